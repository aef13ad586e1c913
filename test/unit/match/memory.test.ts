/** A matching knows what wasm memory it will need: it takes it at once, and says so when it cannot be had. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseSpec } from "../../../src/axes/spec-file.ts";
import type { Spec } from "../../../src/axes/types.ts";
import { memoryModel } from "../../../src/base/memory-model.ts";
import type { Model, TensorInfo } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { borrowKernels, forgetIdle, returnKernels } from "../../../src/kernels/idle.ts";
import { type MatchOptions, matchWeights } from "../../../src/match/match-weights.ts";
import { convNetwork, mlpNetwork, residualNetwork, toModel } from "../../reference/networks.ts";
import { randomModel } from "../../reference/random-model.ts";
import { GROUPED, NESTED } from "../../reference/tied-problems.ts";

const test = suite("memory of a matching");

/** The same model with its tensors as F64: to be staged, they pass through a chunk of their own. */
async function wide(model: Model): Promise<Model> {
  const tensors = new Map<string, { dtype: "F64"; shape: readonly number[]; data: Uint8Array }>();
  for (const [name, { shape }] of model.tensors) {
    const bytes = (await model.read(name)).slice();
    tensors.set(name, {
      dtype: "F64",
      shape,
      data: new Uint8Array(Float64Array.from(new Float32Array(bytes.buffer)).buffer),
    });
  }
  return memoryModel(tensors);
}

/** Growths of any wasm memory while `action` runs, in pages, when there is none from before. */
async function growthsDuring(action: () => Promise<unknown>): Promise<number[]> {
  const { prototype } = WebAssembly.Memory;
  const { grow } = prototype;
  const growths: number[] = [];
  forgetIdle();
  prototype.grow = function (pages: number): number {
    growths.push(pages);
    return grow.call(this, pages);
  };
  try {
    await action();
  } finally {
    prototype.grow = grow;
  }
  return growths;
}

test("memory grows once, to what the report says, whatever is matched", async () => {
  const [mlp, conv, residual] = [1, 2].reduce<[Model[], Model[], Model[]]>(
    (lists, seed) => {
      lists[0].push(toModel(mlpNetwork(createRng(seed), [100, 200, 150, 10]).tensors));
      lists[1].push(toModel(convNetwork(createRng(seed), true).tensors));
      lists[2].push(toModel(residualNetwork(createRng(seed)).tensors));
      return lists;
    },
    [[], [], []],
  );
  const cases: [Model[], Spec][] = [
    [mlp, mlpNetwork(createRng(1), [100, 200, 150, 10]).spec],
    [await Promise.all(mlp.map(wide)), mlpNetwork(createRng(1), [100, 200, 150, 10]).spec],
    [conv, convNetwork(createRng(1), true).spec],
    [residual, residualNetwork(createRng(1)).spec],
    [[randomModel(NESTED.shapes, 1), randomModel(NESTED.shapes, 2)], NESTED.spec],
    [[randomModel(GROUPED.shapes, 1), randomModel(GROUPED.shapes, 2)], GROUPED.spec],
  ];
  for (const [index, [models, spec]] of cases.entries()) {
    for (const options of [
      {},
      { threads: 3 },
      { method: "coordinate" },
      { method: "coordinate", restarts: 2 },
    ] satisfies MatchOptions[]) {
      let bytes = 0;
      const growths = await growthsDuring(async () => {
        bytes = (await matchWeights(models[0]!, models[1]!, spec, options)).report.memoryBytes;
      });
      const want = Math.ceil(bytes / 65536) - 1;
      assert.equal(growths, want > 0 ? [want] : [], `case ${index}, ${JSON.stringify(options)}`);
    }
  }
});

test("what one matching took, the next takes again, of other models too, and finds the same", async () => {
  const pair = (sizes: number[]): Model[] => [1, 2].map((seed) => toModel(mlpNetwork(createRng(seed), sizes).tensors));
  const [large, small] = [pair([100, 200, 150, 10]), pair([20, 64, 10])];
  const { spec: largeSpec } = mlpNetwork(createRng(1), [100, 200, 150, 10]);
  const { spec: smallSpec } = mlpNetwork(createRng(1), [20, 64, 10]);
  const alone = await matchWeights(small[0]!, small[1]!, smallSpec);
  let again = alone;
  const growths = await growthsDuring(async () => {
    await matchWeights(large[0]!, large[1]!, largeSpec);
    again = await matchWeights(small[0]!, small[1]!, smallSpec);
  });
  assert.is(growths.length, 1);
  assert.equal(again.permutations, alone.permutations);
  assert.is(again.report.objective, alone.report.objective);
  assert.is(again.report.memoryBytes, alone.report.memoryBytes);
});

test("kernels returned while others are lent are lent again, all of them", () => {
  forgetIdle();
  const lent = [borrowKernels(), borrowKernels(), borrowKernels({ simd: false })];
  for (const each of lent) returnKernels(each);
  const again = [borrowKernels(), borrowKernels(), borrowKernels({ simd: false })];
  assert.equal(new Set(again.map(({ kernels }) => kernels)), new Set(lent.map(({ kernels }) => kernels)));
});

test("kernels are lent to one at a time, empty, and of the build asked for", () => {
  forgetIdle();
  const [first, second] = [borrowKernels(), borrowKernels()];
  assert.is.not(first.kernels, second.kernels);
  first.kernels.arena.allocate(1000);
  returnKernels(first);
  const scalar = borrowKernels({ simd: false });
  assert.is(scalar.kernels.simd, false);
  const third = borrowKernels();
  if (first.kernels.simd) assert.is(third.kernels, first.kernels);
  assert.is(third.kernels.arena.mark(), third.empty);
});

test("more threads need more, and Frank–Wolfe needs its running matrices", async () => {
  const [a, b] = [1, 2].map((seed) => toModel(mlpNetwork(createRng(seed), [100, 200, 150, 10]).tensors));
  const { spec } = mlpNetwork(createRng(1), [100, 200, 150, 10]);
  const match = async (options: MatchOptions) => (await matchWeights(a!, b!, spec, options)).report;
  const matrices = 4 * (200 * 200 + 150 * 150);
  const alone = await match({ method: "coordinate" });
  assert.ok(alone.memoryBytes > matrices + 2 * 4 * 150 * 200);
  assert.ok((await match({})).memoryBytes >= alone.memoryBytes + matrices);
  const three = await match({ method: "coordinate", threads: 3 });
  if (three.threads === 1) assert.is(three.memoryBytes, alone.memoryBytes);
  else assert.ok(three.memoryBytes > alone.memoryBytes + 2 * 4 * 128 * 100);
});

/** A model of one wide tensor that has no data at all. */
function boundless(units: number): { model: Model; reads: () => number } {
  let reads = 0;
  const info: TensorInfo = { dtype: "F32", shape: [units, 2] };
  const model: Model = {
    name: "boundless",
    tensors: new Map([["w", info]]),
    metadata: new Map(),
    read: async () => {
      reads++;
      throw new Error("was read");
    },
  };
  return { model, reads: () => reads };
}

test("what does not fit is refused before anything is read, with the bytes it would take", async () => {
  const { model, reads } = boundless(40_000);
  const spec = parseSpec({ format: "rebasin-spec/1", tensors: { w: { axes: ["P", "2"] } } });
  for (const threads of [1, 2]) {
    for (const method of ["coordinate", "frank-wolfe"] as const) {
      // One assignment is the optimum: there is nothing to run along.
      const matrices = 1;
      const error = await matchWeights(model, model, spec, { method, threads }).then(
        () => null,
        (e) => e,
      );
      assert.instance(error, RangeError);
      // Browsers have no file for matrices to wait in, which the message says.
      const found = /^wasm memory (\d+) bytes needed(?: \(matrices .*\))?, expected at most 4294967296$/.exec(
        error.message,
      );
      assert.ok(found, error.message);
      const need = Number(found[1]);
      assert.ok(need > matrices * 4 * 40_000 ** 2 && need < matrices * 4 * 40_000 ** 2 + 2 ** 28, error.message);
    }
  }
  assert.is(reads(), 0);
});

test.run();
