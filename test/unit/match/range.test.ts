/** Weights of any size: products that leave f32's range are scaled into it, or refused in words. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { memoryModel } from "../../../src/base/memory-model.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { mergeMany } from "../../../src/many/merge-many.ts";
import { matchWeights } from "../../../src/match/match-weights.ts";
import { mlpNetwork, type Tensors, toModel } from "../../reference/networks.ts";
import { checkPair, drawPair } from "../../reference/outliers.ts";
import { plant } from "../../reference/plant.ts";

const test = suite("range of weights");

const scaled = (tensors: Tensors, factor: number): Tensors =>
  new Map([...tensors].map(([name, { shape, data }]) => [name, { shape, data: data.map((value) => value * factor) }]));

/** The same values as F64, times 2^exponent: beyond f32 where that is large. */
function wide(tensors: Tensors, exponent: number, name = "wide"): Model {
  const data = ({ data }: { data: Float32Array }): Uint8Array =>
    new Uint8Array(Float64Array.from(data, (value) => value * 2 ** exponent).buffer);
  return memoryModel(
    new Map([...tensors].map(([key, tensor]) => [key, { dtype: "F64", shape: tensor.shape, data: data(tensor) }])),
    { name },
  );
}

async function messageOf(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
  } catch (error) {
    assert.instance(error, RangeError);
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}

const EXPONENTS = [-80, -61, -33, -16, 17, 39, 41, 60, 63, 80];

for (const method of ["frank-wolfe", "coordinate"] as const)
  test(`${method}: weights times 2^-80 to 2^80 give the same permutations, and the objective times its square`, async () => {
    for (let seed = 0; seed < 3; seed++) {
      const sizes = [5, 40, 24, 3];
      const [one, two] = [mlpNetwork(createRng(seed), sizes), mlpNetwork(createRng(100 + seed), sizes)];
      const want = await matchWeights(toModel(one.tensors), toModel(two.tensors), one.spec, { method });
      for (const exponent of EXPONENTS) {
        const [a, b] = [one, two].map(({ tensors }) => toModel(scaled(tensors, 2 ** exponent)));
        const got = await matchWeights(a!, b!, one.spec, { method });
        assert.equal(got.permutations, want.permutations, `2^${exponent}`);
        const { objective, identityObjective } = got.report;
        assert.is(objective, want.report.objective * 2 ** (2 * exponent));
        assert.is(identityObjective, want.report.identityObjective * 2 ** (2 * exponent));
      }
      for (const exponent of [-400, -150, 130, 300]) {
        const [a, b] = [one, two].map(({ tensors }) => wide(tensors, exponent));
        const got = await matchWeights(a!, b!, one.spec, { method });
        assert.equal(got.permutations, want.permutations, `F64, 2^${exponent}`);
      }
    }
  });

test("one model far above the other: scaled apart, with progress in the models' own unit", async () => {
  const [one, two] = [mlpNetwork(createRng(1), [4, 12, 3]), mlpNetwork(createRng(2), [4, 12, 3])];
  const want = await matchWeights(toModel(one.tensors), toModel(two.tensors), one.spec);
  const seen: number[] = [];
  const got = await matchWeights(
    toModel(scaled(one.tensors, 2 ** 120)),
    toModel(scaled(two.tensors, 2 ** 20)),
    one.spec,
    { onProgress: ({ objective }) => objective !== undefined && seen.push(objective) },
  );
  assert.equal(got.permutations, want.permutations);
  assert.is(seen.at(-1), got.report.objective);
});

test("tiny weights are matched, not left as they are", async () => {
  for (const scale of [1e-25, 1e-30]) {
    const network = mlpNetwork(createRng(3), [6, 16, 12, 4]);
    const model = toModel(scaled(network.tensors, scale));
    const { b, answer } = await plant(network.spec, model, createRng(4));
    assert.equal((await matchWeights(model, b, network.spec)).permutations, answer, String(scale));
  }
});

test("a weight far above the others: the objective of f64, or a RangeError naming tensor and permutation", async () => {
  let refused = 0;
  for (let seed = 0; seed < 300; seed++) {
    assert.type(await checkPair(drawPair(seed)), "number", `pair ${seed} of 1e20`);
    if (typeof (await checkPair(drawPair(seed, 3e38))) === "string") refused++;
  }
  assert.ok(refused > 0 && refused < 300, `${refused} refused`);
});

test("what no power of two brings into range is refused in words", async () => {
  const network = mlpNetwork(createRng(5), [4, 8, 3]);
  const beyond = wide(network.tensors, 600, "a");
  assert.match(
    await messageOf(() => matchWeights(beyond, beyond, network.spec)),
    /^a: \S+ reaches \S+, so products in the costs of permutation \S+ do not fit 64-bit floats, expected magnitudes/,
  );
  const infinite = wide(network.tensors, 1100, "a");
  assert.match(
    await messageOf(() => matchWeights(infinite, beyond, network.spec)),
    /^a: \S+ has -?Infinity at element 0/,
  );
  const matching = await matchWeights(infinite, infinite, network.spec, { allowNonfinite: true });
  assert.is(matching.report.objective, 0);
});

for (const strategy of ["merge-many", "cycle-consistent", "tree"] as const)
  test(`${strategy}: many models of any size`, async () => {
    const networks = [1, 2, 3].map((seed) => mlpNetwork(createRng(seed), [4, 14, 9, 3]));
    const merge = (models: readonly Model[]) => mergeMany(models, networks[0]!.spec, { strategy });
    const want = await merge(networks.map(({ tensors }) => toModel(tensors)));
    for (const exponent of [-80, -30, 50, 80, 100]) {
      const got = await merge(networks.map(({ tensors }) => toModel(scaled(tensors, 2 ** exponent))));
      assert.equal(got.permutations, want.permutations, `2^${exponent}`);
      assert.is(got.report.objective, want.report.objective * 2 ** (2 * exponent));
      assert.equal(
        got.report.distances,
        want.report.distances.map((distance) => distance * 2 ** exponent),
      );
    }
    const wideOnes = await merge(networks.map(({ tensors }) => wide(tensors, 300)));
    assert.equal(wideOnes.permutations, want.permutations);
  });

test.run();
