/** Starts beside the barycentre, and which of them is kept. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import { createRng, randomPermutation } from "../../../src/base/rng.ts";
import { chooseStart, type Start } from "../../../src/by-data/choose-start.ts";
import { matchWeights } from "../../../src/match/match-weights.ts";
import { firstDifference } from "../../reference/first-difference.ts";
import { mlpNetwork, residualNetwork, toModel } from "../../reference/networks.ts";
import { plant } from "../../reference/plant.ts";

const test = suite("starts");

test("perturbed starts still recover planted permutations", async () => {
  for (let seed = 0; seed < 10; seed++) {
    const network = mlpNetwork(createRng(seed), [10, 40, 30, 10]);
    const a = toModel(network.tensors);
    const { b, answer } = await plant(network.spec, a, createRng(100 + seed));
    const { permutations } = await matchWeights(a, b, network.spec, { perturb: 0.25, seed });
    assert.is(firstDifference(permutations, answer), null, `seed ${seed}`);
  }
});

test("the start with the lowest loss is kept, the first of equals, and no number loses", async () => {
  const [one, two] = [residualNetwork(createRng(1), 12, 10, 2), residualNetwork(createRng(2), 12, 10, 2)];
  const [a, b] = [toModel(one.tensors), toModel(two.tensors)];
  const resolved = resolveSpec(one.spec, a.tensors);
  const losses = [0.9, Number.NaN, 0.5, 0.7, 0.5];
  const starts: Start[] = [];
  const evaluated: string[] = [];
  const run = (match: (at: number) => number) =>
    chooseStart(a, b, one.spec, {
      starts: 5,
      seed: 3,
      match: async (start) => {
        starts.push(start);
        const found = new Map(
          resolved.permutations.map(({ name, size }) => [
            name,
            randomPermutation(size, createRng(match(starts.length - 1))),
          ]),
        );
        return { permutations: found, report: { objective: starts.length } };
      },
      repair: async (model) => ({ ...model, name: `repaired ${model.name}` }),
      evaluate: async (model) => {
        evaluated.push(model.name);
        return { loss: losses[evaluated.length - 1]!, accuracy: 0 };
      },
    });
  const { chosen, found, tried } = await run((at) => at);
  assert.is(chosen, 2);
  assert.is(found.report.objective, 3);
  assert.equal(starts, [{ seed: 3, perturb: 0 }, ...[3, 4, 5, 6].map((seed) => ({ seed, perturb: 0.25 }))]);
  assert.equal(
    tried.map(({ loss }) => loss),
    losses,
  );
  assert.ok(evaluated.every((name) => name.startsWith("repaired ")));
  starts.length = 0;
  evaluated.length = 0;
  const again = await run(() => 1);
  assert.is(evaluated.length, 1, "equal permutations are evaluated once");
  assert.is(again.chosen, 0);
});

test.run();
