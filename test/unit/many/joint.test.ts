/** The algebra of joint steps: tensors under soft permutations against dense matrices, and the quartic along a step. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import { parseSpec } from "../../../src/axes/spec-file.ts";
import type { TensorInfo } from "../../../src/base/model.ts";
import { createRng, type Rng, randomPermutation } from "../../../src/base/rng.ts";
import { bestStep, type Quartic } from "../../../src/many/quartic.ts";
import {
  createSoftTensor,
  gatherCross,
  gatherVertex,
  mixTensor,
  permutedDims,
  type SoftTensor,
  stepCells,
} from "../../../src/many/soft-tensor.ts";
import { outlineProblem, type TensorOutline } from "../../../src/match/costs/problem.ts";
import { gaussianArray } from "../../reference/random.ts";

const test = suite("joint steps of many models");

const SIZES = { P: 5, Q: 4, R: 3 } as const;
/** Axes and shape: linear, bilinear, with a run, concatenated, one permutation on both axes, of degree three. */
const TENSORS: readonly [axes: string[], shape: number[]][] = [
  [
    ["P", "6"],
    [5, 6],
  ],
  [
    ["P", "Q"],
    [5, 4],
  ],
  [
    ["Q", "P", "3"],
    [4, 5, 3],
  ],
  [
    ["R", "P|Q|2"],
    [3, 11],
  ],
  [
    ["4*P", "P"],
    [20, 5],
  ],
  [
    ["R", "Q*P"],
    [3, 20],
  ],
];

function outlineOf([axes, shape]: (typeof TENSORS)[number]) {
  const anchors = Object.entries(SIZES).map(([name, size]) => [`anchor ${name}`, [name], [size]] as const);
  const all = [["x", axes, shape] as const, ...anchors];
  const spec = parseSpec({
    format: "rebasin-spec/1",
    tensors: Object.fromEntries(all.map(([name, list]) => [name, { axes: list }])),
  });
  const infos = new Map<string, TensorInfo>(all.map(([name, , size]) => [name, { dtype: "F32", shape: size }]));
  return outlineProblem(resolveSpec(spec, infos));
}

type Dense = number[][];

const mixed = (soft: Dense, order: Int32Array, step: number): Dense =>
  soft.map((row, i) => row.map((value, j) => (1 - step) * value + (order[i] === j ? step : 0)));

/** A tensor whose cells are multiplied by dense matrices on the dims that `counts` accepts; other cells are 0. */
function denseTensor(
  tensor: TensorOutline,
  values: Float32Array,
  soft: readonly Dense[],
  counts: (position: number, of: number[]) => boolean,
): Float64Array {
  const result = new Float64Array(values.length);
  for (const cell of stepCells(tensor)) {
    const permuted = permutedDims(cell);
    const sum = (dim: number, to: number, from: number, factor: number): void => {
      if (factor === 0) return;
      if (dim === cell.dims.length) {
        result[to]! += factor * values[from]!;
        return;
      }
      const { size, stride, permutation } = cell.dims[dim]!;
      const acts = permutation >= 0 && counts(permuted.indexOf(dim), permuted);
      for (let i = 0; i < size; i++) {
        for (let j = acts ? 0 : i; j < (acts ? size : i + 1); j++) {
          sum(dim + 1, to + i * stride, from + j * stride, factor * (acts ? soft[permutation]![i]![j]! : 1));
        }
      }
    };
    sum(0, cell.base, cell.base, 1);
  }
  return result;
}

function close(got: Float32Array, want: Float64Array, what: string): void {
  const at = want.findIndex((value, e) => !(Math.abs(value - got[e]!) < 1e-5));
  assert.is(at, -1, `${what}: element ${at} is ${got[at]}, expected ${want[at]}`);
}

const randomOrders = (outline: { permutations: readonly { size: number }[] }, rng: Rng): Int32Array[] =>
  outline.permutations.map(({ size }) => randomPermutation(size, rng));

for (const [axes, shape] of TENSORS) {
  test(`[${axes.join(", ")}] under mixtures of permutations is what dense matrices give`, () => {
    const rng = createRng(7);
    const outline = outlineOf([axes, shape]);
    const tensor = outline.tensors.find(({ name }) => name === "x")!;
    const values = gaussianArray(tensor.elements, rng);
    const start = randomOrders(outline, rng);
    const soft: SoftTensor = createSoftTensor(tensor, values, start);
    let dense: Dense[] = start.map((order) =>
      mixed(
        [...order].map(() => [...order].map(() => 0)),
        order,
        1,
      ),
    );
    for (const step of [0.3, 0.6, 1, 0.25]) {
      const vertex = randomOrders(outline, rng);
      const [cross, there] = [new Float32Array(tensor.elements), new Float32Array(tensor.elements)];
      gatherCross(cross, soft, tensor, values, vertex);
      gatherVertex(there, tensor, values, vertex);
      soft.whole.forEach((value, e) => {
        soft.whole[e] = (1 - step) ** 2 * value + step * (1 - step) * cross[e]! + step ** 2 * there[e]!;
      });
      mixTensor(soft, tensor, values, vertex, step);
      dense = dense.map((matrix, p) => mixed(matrix, vertex[p]!, step));
      close(
        soft.whole,
        denseTensor(tensor, values, dense, () => true),
        "whole",
      );
      for (const k of [0, 1] as const) {
        if (soft.without !== null) close(soft.without[k], onlyCellsWith(k, tensor, values, dense), `without ${k}`);
      }
    }
  });
}

/** What `without[k]` holds: cells of two permuted dims without the k-th; linear ones as they are, in the first alone. */
function onlyCellsWith(k: 0 | 1, tensor: TensorOutline, values: Float32Array, dense: readonly Dense[]): Float64Array {
  const bilinear = { ...tensor, cells: tensor.cells.filter(({ degree }) => degree === 2) };
  const linear = { ...tensor, cells: tensor.cells.filter(({ degree }) => degree === 1) };
  const result = denseTensor(bilinear, values, dense, (position) => position !== k);
  const alone = denseTensor(linear, values, dense, () => false);
  if (k === 0) return result.map((value, e) => value + alone[e]!);
  return result;
}

const polynomial = (...coefficients: number[]): Quartic => ({
  at: (x) => coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0),
});

test("the best step of a quartic: inside, at either end, at the higher of two maxima", () => {
  const near = (quartic: Quartic, want: number): void => {
    const { step, value } = bestStep(quartic);
    assert.ok(Math.abs(step - want) < 1e-6, `${step}, expected ${want}`);
    assert.is(value, quartic.at(step));
    for (let x = 0; x <= 1; x += 1 / 1024) assert.ok(quartic.at(x) <= value + 1e-12);
  };
  near(polynomial(0, 2, -2), 0.5);
  near(polynomial(1, 1), 1);
  near(polynomial(1, -1), 0);
  near(polynomial(3), 0);
  near(polynomial(0, 0, 0, 4, -4.5), 2 / 3);
  // Maxima at .1 and .8, the second higher: its derivative is −(x − .1)(x − .4)(x − .8).
  near(polynomial(0, 0.032, -0.22, 1.3 / 3, -0.25), 0.8);
  const rng = createRng(3);
  for (let i = 0; i < 50; i++) {
    const quartic = polynomial(...Array.from({ length: 5 }, () => 2 * rng.uniform() - 1));
    const { step, value } = bestStep(quartic);
    assert.ok(step >= 0 && step <= 1);
    for (let x = 0; x <= 1; x += 1 / 4096) assert.ok(quartic.at(x) <= value + 1e-9);
  }
});

test.run();
