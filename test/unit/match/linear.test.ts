/** Linear problems, such as networks with one hidden layer: one assignment finds the optimum. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseSpec } from "../../../src/axes/spec-file.ts";
import type { Spec } from "../../../src/axes/types.ts";
import { memoryModel } from "../../../src/base/memory-model.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng, type Rng } from "../../../src/base/rng.ts";
import { matchWeights } from "../../../src/match/match-weights.ts";
import { invertPermutation } from "../../../src/perm/permutation.ts";
import { firstDifference } from "../../reference/first-difference.ts";
import { mlpNetwork, toModel } from "../../reference/networks.ts";
import { referenceObjective } from "../../reference/objective.ts";
import { plant } from "../../reference/plant.ts";
import { gaussianArray } from "../../reference/random.ts";

const test = suite("matching of linear problems");

/** Every order of 0 … n−1. */
function everyOrder(n: number): number[][] {
  if (n === 0) return [[]];
  return everyOrder(n - 1).flatMap((order) => order.concat(n - 1).map((_, at) => order.toSpliced(at, 0, n - 1)));
}

function randomModel(shapes: Readonly<Record<string, number[]>>, rng: Rng): Model {
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const data = gaussianArray(
      shape.reduce((product, size) => product * size, 1),
      rng,
    );
    return [name, { shape, data }] as const;
  });
  return toModel(new Map(tensors));
}

async function best(a: Model, b: Model, spec: Spec, all: Iterable<Map<string, Int32Array>>): Promise<number> {
  let most = Number.NEGATIVE_INFINITY;
  for (const permutations of all) most = Math.max(most, await referenceObjective(a, b, spec, permutations));
  return most;
}

test("one hidden layer: no order of the units is worth more, whatever the build", async () => {
  for (let seed = 0; seed < 8; seed++) {
    const sizes = [3, 5, 2];
    const [one, two] = [mlpNetwork(createRng(seed), sizes), mlpNetwork(createRng(100 + seed), sizes)];
    const [a, b] = [toModel(one.tensors), toModel(two.tensors)];
    const [name] = Object.keys((await matchWeights(a, b, one.spec)).report.permutations);
    const all = everyOrder(5).map((order) => new Map([[name!, Int32Array.from(order)]]));
    const want = await best(a, b, one.spec, all);
    for (const simd of [true, false]) {
      const { permutations, report } = await matchWeights(a, b, one.spec, { simd });
      assert.ok(Math.abs(report.objective - want) < 1e-9 * want, `seed ${seed}: ${report.objective}, expected ${want}`);
      const got = await referenceObjective(a, b, one.spec, permutations);
      assert.ok(Math.abs(report.objective - got) < 1e-9 * want, "the report is of these permutations");
      assert.equal([report.sweeps, report.iterations], [1, 0]);
    }
  }
});

test("groups apart and a nested permutation: no combination is worth more", async () => {
  const spec = parseSpec({
    format: "rebasin-spec/1",
    permutations: { V: { outer: "H", inner: 2 } },
    tensors: { v: { axes: ["V", "3"] }, q: { axes: ["H*2", "3"] }, w: { axes: ["4", "P|2"] }, c: { axes: ["5"] } },
  });
  const swaps = (bits: number, h: number, r: number): number => r ^ ((bits >> h) & 1);
  const all = everyOrder(3).flatMap((heads) =>
    everyOrder(3).flatMap((p) =>
      Array.from({ length: 8 }, (_, bits) => {
        const v = heads.flatMap((g, h) => [0, 1].map((r) => 2 * g + swaps(bits, h, r)));
        const lists = Object.entries({ H: heads, V: v, P: p });
        return new Map(lists.map(([name, list]) => [name, Int32Array.from(list)]));
      }),
    ),
  );
  for (let seed = 0; seed < 5; seed++) {
    const shapes = { v: [6, 3], q: [6, 3], w: [4, 5], c: [5] };
    const [a, b] = [randomModel(shapes, createRng(seed)), randomModel(shapes, createRng(50 + seed))];
    const want = await best(a, b, spec, all);
    const { report } = await matchWeights(a, b, spec);
    assert.ok(Math.abs(report.objective - want) < 1e-9 * want, `seed ${seed}: ${report.objective}, expected ${want}`);
  }
});

test("planted permutations are recovered, with any seed and perturbation, as by descent", async () => {
  const network = mlpNetwork(createRng(1), [20, 70, 9]);
  const a = toModel(network.tensors);
  const { b, answer } = await plant(network.spec, a, createRng(2));
  for (const options of [{}, { perturb: 0.7, seed: 3 }, { method: "coordinate" as const }]) {
    const { permutations } = await matchWeights(a, b, network.spec, options);
    assert.is(firstDifference(permutations, answer), null);
  }
});

test("two copies of one model stay as they are, though units are equal", async () => {
  const tensors = mlpNetwork(createRng(4), [6, 12, 3]);
  for (const { data, shape } of tensors.tensors.values()) if (shape[0] === 12) data.fill(1);
  const a = toModel(tensors.tensors);
  const { permutations, report } = await matchWeights(a, a, tensors.spec);
  for (const order of permutations.values()) assert.equal([...order], [...order.keys()]);
  assert.is(report.objective, report.identityObjective);
});

test("what may not move stays, and a linear term counts", async () => {
  const network = mlpNetwork(createRng(5), [8, 10, 4]);
  const a = toModel(network.tensors);
  const { b, answer } = await plant(network.spec, a, createRng(6));
  const [[name, order]] = [...answer] as [[string, Int32Array]];
  const held = await matchWeights(a, b, network.spec, { except: [name] });
  assert.equal([...held.permutations.get(name)!], [...order.keys()]);
  const other = invertPermutation(order);
  const costs = new Float32Array(100);
  other.forEach((j, i) => {
    costs[10 * i + j] = 1;
  });
  const pulled = await matchWeights(a, b, network.spec, { linear: { costs: new Map([[name, costs]]), share: 1e3 } });
  assert.is(firstDifference(pulled.permutations, new Map([[name, other]])), null);
});

test("progress is one sweep with the objective; an aborted signal stops it", async () => {
  const network = mlpNetwork(createRng(7), [4, 6, 2]);
  const a = toModel(network.tensors);
  const { b } = await plant(network.spec, a, createRng(8));
  const seen: unknown[] = [];
  const { report } = await matchWeights(a, b, network.spec, {
    onProgress: (progress) => progress.work === undefined && seen.push(progress),
  });
  assert.equal(seen, [{ stage: "coordinate", done: 1, objective: report.objective }]);
  const reason = new Error("enough");
  const outcome = matchWeights(a, b, network.spec, { signal: AbortSignal.abort(reason) });
  assert.is(await outcome.catch((error) => error), reason);
});

test("a seed out of range is refused before anything is read", async () => {
  const { tensors, spec } = mlpNetwork(createRng(9), [2, 3, 2]);
  const model = { ...toModel(tensors), read: () => Promise.reject(new Error("read")) };
  for (const seed of [-1, 0.5, 2 ** 53]) {
    const outcome = matchWeights(model, memoryModel(new Map()), spec, { seed });
    assert.match(String(await outcome.catch((error) => error)), /RangeError: seed .*, expected an integer/);
  }
});

test.run();
