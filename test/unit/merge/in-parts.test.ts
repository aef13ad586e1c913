/** What is read in parts is what is read whole: merges, renumbered models, written files. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseSpec } from "../../../src/axes/spec-file.ts";
import { memoryModel } from "../../../src/base/memory-model.ts";
import { type BytePart, type Model, readPart } from "../../../src/base/model.ts";
import { createRng, randomPermutation } from "../../../src/base/rng.ts";
import { encodeSafetensors, writeSafetensors } from "../../../src/formats/safetensors/write-safetensors.ts";
import { memorySink } from "../../../src/io/sink.ts";
import { type BlendModelsOptions, blendModels } from "../../../src/merge/blend-models.ts";
import { type MergeOptions, mergeModels } from "../../../src/merge/merge-models.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { pairOf } from "../../../src/perm/pair.ts";
import { rejects } from "../../reference/expect-error.ts";
import { gaussianArray } from "../../reference/random.ts";

const test = suite("tensors in parts");

const SPEC = parseSpec({
  format: "rebasin-spec/1",
  tensors: {
    embed: { axes: ["_", "P"] },
    rows: { axes: ["P", "7"] },
    fixed: { axes: ["_", "_"] },
    bias: { axes: ["P"] },
    count: { axes: ["_", "P"] },
  },
});
const SHAPES = { embed: [40, 24], rows: [24, 7], fixed: [12, 5], bias: [24], count: [6, 24] };

/** A model that gives parts. */
function randomModel(seed: number, wide = false): Model {
  const tensors = Object.entries(SHAPES).map(([name, shape]) => {
    const values = gaussianArray(
      shape.reduce((x, y) => x * y, 1),
      createRng(seed * 100 + name.length),
    );
    const [dtype, data] =
      name === "count"
        ? (["I32", Int32Array.from(values, (value) => 100 * value)] as const)
        : wide
          ? (["F64", Float64Array.from(values)] as const)
          : (["F32", values] as const);
    return [name, { dtype, shape, data: new Uint8Array(data.buffer as ArrayBuffer) }] as const;
  });
  const model = memoryModel(new Map(tensors), { name: `model ${seed}` });
  return {
    ...model,
    async read(name, signal, _into, part) {
      const bytes = await model.read(name, signal);
      return part === undefined ? bytes : bytes.slice(...part);
    },
  };
}

/** Every part of whole rows, and some that are not. */
function* partsOf(model: Model, name: string): Generator<BytePart> {
  const { shape, dtype } = model.tensors.get(name)!;
  const rows = shape[0]!;
  const row = (shape.slice(1).reduce((x, y) => x * y, 1) * Number(/\d+/.exec(dtype)![0])) / 8;
  for (let from = 0; from < rows; from += 3) for (const to of [from + 1, rows]) yield [from * row, to * row];
  yield [1, rows * row - 3];
}

async function holdsInParts(model: Model): Promise<void> {
  for (const [name, info] of model.tensors) {
    const whole = await model.read(name);
    for (const part of partsOf(model, name)) {
      // Room for the part alone, which a model that gives the whole tensor may not use.
      const bytes = await readPart(model, name, part, info, undefined, new Uint8Array(part[1] - part[0]));
      assert.equal(Uint8Array.from(bytes), Uint8Array.from(whole.subarray(...part)), `${name}, ${part}`);
    }
  }
}

const order = new Map([["P", randomPermutation(24, createRng(9))]]);

for (const wide of [false, true])
  for (const options of [
    {},
    { lambda: 0.3 },
    { lambda: 0 },
    { lambda: 1 },
    { blend: "slerp", lambda: 0.4 },
  ] satisfies MergeOptions[])
    test(`a merge, ${JSON.stringify(options)}, ${wide ? "F64" : "F32"}`, async () => {
      const [a, b] = [randomModel(1, wide), randomModel(2, wide)];
      const pair = pairOf(a, b, SPEC);
      await holdsInParts(await mergeModels(a, b, pair, order, options));
    });

for (const options of [
  { blend: "linear", settings: { weights: [1, 3] } },
  { blend: "lerp", settings: { lambda: 0.3 } },
  { blend: "slerp", settings: { lambda: 0.3 } },
  { blend: "task_arithmetic", base: randomModel(7) },
  { blend: "ties", base: randomModel(7), settings: { density: 0.5 } },
] satisfies BlendModelsOptions[])
  test(`blends of models: ${options.blend}`, () =>
    holdsInParts(blendModels([randomModel(1), randomModel(2)], options)));

test("a renumbered model", async () => {
  await holdsInParts(await applyPermutations(randomModel(3), SPEC, order));
  await holdsInParts(await applyPermutations(randomModel(3), SPEC, order, { inverse: true }));
});

test("a part is read and nothing else, where rows stay", async () => {
  const asked: (BytePart | undefined)[] = [];
  const watch = (model: Model): Model => ({
    ...model,
    read(name, signal, into, part) {
      asked.push(part);
      return model.read(name, signal, into, part);
    },
  });
  const [a, b] = [watch(randomModel(1)), watch(randomModel(2))];
  const pair = pairOf(a, b, SPEC);
  const merged = await mergeModels(a, b, pair, order);
  await merged.read("embed", undefined, undefined, [96, 288]);
  assert.equal(asked, [
    [96, 288],
    [96, 288],
  ]);
});

test("NaN in a part is told by its place in the tensor", async () => {
  const data = new Float32Array(100).fill(1);
  data[57] = Number.NaN;
  const make = (name: string, values: Float32Array): Model =>
    memoryModel(
      new Map([["w", { dtype: "F32", shape: [10, 10], data: new Uint8Array(values.buffer as ArrayBuffer) }]]),
      { name },
    );
  const [a, b] = [make("one", new Float32Array(100)), make("two", data)];
  const pair = pairOf(a, b, parseSpec({ format: "rebasin-spec/1", tensors: { w: { axes: ["_", "_"] } } }));
  const merged = await mergeModels(a, b, pair, new Map());
  const part = () => merged.read("w", undefined, undefined, [200, 280]);
  await rejects(part, RangeError, /^two: w has NaN at element 57, expected finite numbers$/);
});

test("a large tensor is written some rows at a time, to the bytes of one piece; a model without parts gives it whole", async () => {
  const [rows, columns] = [2100, 4096];
  const data = new Uint8Array(new Float32Array(rows * columns).map((_, e) => e % 1013).buffer);
  const model = memoryModel(new Map([["w", { dtype: "F32", shape: [rows, columns], data }]]));
  const pieces: number[] = [];
  const inParts: Model = {
    ...model,
    async read(name, signal, _into, part) {
      const bytes = await model.read(name, signal);
      pieces.push(part === undefined ? bytes.length : part[1] - part[0]);
      return part === undefined ? bytes : bytes.subarray(...part);
    },
  };
  const whole = await encodeSafetensors(model);
  const sink = memorySink();
  await writeSafetensors(inParts, sink);
  assert.ok(pieces.length > 1 && pieces.every((length) => length % (4 * columns) === 0 && length <= 2 ** 24));
  const written = sink.bytes();
  assert.is(written.length, whole.length);
  assert.ok(written.every((byte, i) => byte === whole[i]));
  const short: Model = { ...model, read: async () => data.subarray(0, 5) };
  await rejects(() => encodeSafetensors(short), RangeError, /tensor "w" gave 5 bytes, expected 34406400/);
});

test.run();
