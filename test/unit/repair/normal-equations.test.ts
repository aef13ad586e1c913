/** The least-squares problem of one operation against plain loops, in both builds. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../../src/base/rng.ts";
import { createCrc32 } from "../../../src/kernels/crc32.ts";
import { createExtraKernels } from "../../../src/kernels/extra-kernels.ts";
import {
  createNormalEquations,
  equationsBytes,
  type LinearTensors,
  type Solution,
} from "../../../src/repair/least-squares/normal-equations.ts";
import { type Patches, patchesOf } from "../../../src/repair/least-squares/patches.ts";
import { bitEqual } from "../../reference/bits.ts";
import { solveReference, unfoldReference } from "../../reference/least-squares.ts";
import { gaussianArray } from "../../reference/random.ts";

const test = suite("normal equations");

const ONE = [1, 1] as const;
const dense = (columns: number, output: number): Patches =>
  patchesOf({ op: "dense", weight: "w", layout: "in-out" }, [columns, output], [columns], [output]);
const conv = (
  weight: readonly number[],
  input: readonly number[],
  out: readonly number[],
  stride: number,
  padding: number | "same",
): Patches => patchesOf({ op: "conv", weight: "w", layout: "hwio", stride, padding }, weight, input, out);

const CASES: [string, Patches, boolean][] = [
  ["a matrix", dense(7, 3), true],
  ["a matrix without bias", dense(5, 9), false],
  ["a convolution", conv([3, 3, 2, 4], [5, 6, 2], [5, 6, 4], 1, 1), true],
  ["a strided convolution", conv([3, 3, 3, 2], [7, 5, 3], [4, 3, 2], 2, 1), false],
  ["a convolution padded at the end", conv([3, 3, 2, 3], [6, 6, 2], [3, 3, 3], 2, "same"), true],
  ["a grouped convolution", conv([3, 3, 2, 6], [4, 4, 6], [4, 4, 6], 1, 1), true],
  ["a depthwise convolution", conv([3, 3, 1, 5], [5, 5, 5], [5, 5, 5], 1, 1), false],
  ["a convolution of 1×1", conv([1, 1, 4, 3], [3, 3, 4], [3, 3, 3], 1, 0), true],
];

const IMAGES = 40;

interface Problem extends LinearTensors {
  readonly inputs: Float32Array;
  readonly outputs: Float32Array;
}

function problem({ size, input, out, output, columns }: Patches, hasBias: boolean, seed: number): Problem {
  const rng = createRng(seed);
  return {
    inputs: gaussianArray(IMAGES * size[0] * size[1] * input, rng),
    outputs: gaussianArray(IMAGES * out[0] * out[1] * output, rng),
    weight: gaussianArray(columns * output, rng),
    bias: hasBias ? gaussianArray(output, rng) : undefined,
  };
}

function solve(patches: Patches, given: Problem, options: { simd?: boolean; ridge?: number; cut?: number } = {}) {
  const { cut = IMAGES, ridge = 0.01, simd = true } = options;
  const kernels = createExtraKernels({ simd });
  const mark = kernels.arena.mark();
  const equations = createNormalEquations(kernels, "net at value", patches, given.bias !== undefined);
  for (let from = 0; from < IMAGES; from += cut) {
    const images = Math.min(cut, IMAGES - from);
    const part = (values: Float32Array): Float32Array => {
      const each = values.length / IMAGES;
      return values.subarray(from * each, (from + images) * each);
    };
    equations.add(part(given.inputs), part(given.outputs), images);
  }
  const found = equations.solve(given, ridge);
  equations.release();
  equations.release();
  assert.is(kernels.arena.mark(), mark);
  const need = equationsBytes(patches, given.bias !== undefined, cut);
  assert.ok(kernels.memory.buffer.byteLength <= need + 2 * 65536, "no more memory than was said");
  return found;
}

/** Output columns [from, to) of one group by plain loops. */
function groupReference(patches: Patches, given: Problem, group: number, ridge: number) {
  const { columns, input, output, groups, size, kernel, stride, dilation, pad, out } = patches;
  const [height, width] = size;
  const depth = input / groups;
  const moves = { kernel, stride, dilation, pad, out };
  const place = { images: IMAGES, height, width, channels: input, channel: group * depth, depth };
  const x = unfoldReference(given.inputs, { ...place, ...moves });
  const [n, m] = [columns + (given.bias === undefined ? 0 : 1), output / groups];
  const rows = x.length / columns;
  const at = (r: number, i: number): number => (i < columns ? x[r * columns + i]! : 1);
  const y = (r: number, j: number): number => given.outputs[r * output + group * m + j]!;
  const w = (i: number, j: number): number =>
    i < columns ? given.weight[i * output + group * m + j]! : given.bias![group * m + j]!;
  const [gram, right] = [new Float64Array(n * n), new Float64Array(n * m)];
  let trace = 0;
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) for (let r = 0; r < rows; r++) gram[i * n + k]! += at(r, i) * at(r, k);
    for (let j = 0; j < m; j++) for (let r = 0; r < rows; r++) right[i * m + j]! += at(r, i) * y(r, j);
    trace += gram[i * n + i]!;
  }
  for (let i = 0; i < n; i++) {
    gram[i * n + i]! += (ridge * trace) / n;
    for (let j = 0; j < m; j++) right[i * m + j]! += ((ridge * trace) / n) * w(i, j);
  }
  const solution = solveReference(gram, right, n, m);
  const error = (of: (i: number, j: number) => number): number => {
    let sum = 0;
    for (let r = 0; r < rows; r++) {
      for (let j = 0; j < m; j++) {
        let value = -y(r, j);
        for (let i = 0; i < n; i++) value += at(r, i) * of(i, j);
        sum += value * value;
      }
    }
    return sum;
  };
  return { n, m, solution, before: error(w), after: error((i, j) => solution[i * m + j]!) };
}

for (const [name, patches, hasBias] of CASES) {
  for (const ridge of [0, 0.01, 10]) {
    test(`${name}: tensors and errors are those of plain loops, ridge ${ridge}`, () => {
      const given = problem(patches, hasBias, 1);
      const found = solve(patches, given, { ridge });
      const { columns, output, groups } = patches;
      let [before, after] = [0, 0];
      for (let group = 0; group < groups; group++) {
        const expected = groupReference(patches, given, group, ridge);
        before += expected.before;
        after += expected.after;
        for (let i = 0; i < expected.n; i++) {
          for (let j = 0; j < expected.m; j++) {
            const column = group * expected.m + j;
            const got = i < columns ? found.weight[i * output + column]! : found.bias![column]!;
            assert.ok(Math.abs(got - expected.solution[i * expected.m + j]!) < 2e-6, `${group}: ${i}, ${j}`);
          }
        }
      }
      const squares = given.outputs.reduce((sum, each) => sum + each * each, 0);
      assert.ok(Math.abs(found.before - Math.sqrt(before / squares)) < 1e-9, `${found.before}`);
      assert.ok(Math.abs(found.after - Math.sqrt(after / squares)) < 1e-9, `${found.after}`);
      assert.ok(found.residual < 1e-15, `${found.residual}`);
      assert.ok(found.after <= found.before);
    });
  }
}

test("batches change results by rounding alone; builds not at all, and runtimes neither", () => {
  const digest = createCrc32()();
  for (const [name, patches, hasBias] of CASES) {
    const given = problem(patches, hasBias, 2);
    const whole = solve(patches, given);
    const cut = solve(patches, given, { cut: 7 });
    for (let i = 0; i < whole.weight.length; i++) assert.ok(Math.abs(whole.weight[i]! - cut.weight[i]!) < 1e-6, name);
    const scalar = solve(patches, given, { simd: false });
    const bits = ({ weight, bias, before, after, residual }: Solution): Float64Array =>
      Float64Array.from([...weight, ...(bias ?? []), before, after, residual]);
    bitEqual(bits(whole), bits(scalar), name);
    digest.add(new Uint8Array(bits(whole).buffer));
  }
  assert.is(digest.value().toString(16), "ea51a1c0");
});

test("dead inputs and outputs that never change leave no NaN", () => {
  const patches = dense(6, 4);
  const given = problem(patches, true, 3);
  // Input 2 is dead, output 1 constant: its best tensor is a bias.
  const inputs = given.inputs.map((value, i) => (i % 6 === 2 ? 0 : value));
  const outputs = given.outputs.map((value, i) => (i % 4 === 1 ? 3 : value));
  const found = solve(patches, { ...given, inputs, outputs }, { ridge: 1e-6 });
  assert.ok(found.weight.every(Number.isFinite));
  assert.ok(Math.abs(found.bias![1]! - 3) < 1e-4);
  for (let j = 0; j < 4; j++) assert.ok(Math.abs(found.weight[2 * 4 + j]! - given.weight[2 * 4 + j]!) < 1e-6);
  const nothing = new Float32Array(inputs.length);
  const bare = { ...given, bias: undefined };
  const kept = solve(patches, { ...bare, inputs: nothing });
  bitEqual(kept.weight, bare.weight, "nothing to fit: the tensor stays");
  assert.equal([kept.before, kept.after, kept.residual], [1, 1, 0]);
  const still = solve(patches, { ...bare, inputs: nothing, outputs: new Float32Array(outputs.length) });
  assert.equal([still.before, still.after], [0, 0]);
});

test("what has no single solution, and what is not finite, is refused in a line", () => {
  const patches = dense(6, 4);
  const given = problem(patches, false, 4);
  const twice = given.inputs.map((_, i) => given.inputs[i - (i % 6) + (i % 2)]!);
  assert.throws(
    () => solve(patches, { ...given, inputs: twice }, { ridge: 0 }),
    /^net at value has no single best tensor \(column \d of 6 .*\), expected ridge above 0 or more images$/,
  );
  const outputs = given.outputs.slice();
  outputs[5] = Number.NaN;
  assert.throws(() => solve(patches, { ...given, outputs }), /^net at value has NaN or infinity, expected finite/);
  const inputs = given.inputs.slice();
  inputs[5] = Number.POSITIVE_INFINITY;
  assert.throws(() => solve(patches, { ...given, inputs }), /^net at value has NaN or infinity, expected finite/);
});

test("patches of a matrix are one position", () => {
  const { groups, kernel, out } = dense(3, 2);
  assert.equal([groups, kernel, out], [1, ONE, ONE]);
});

test.run();
