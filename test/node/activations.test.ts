/** Activation matching on networks that run. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../src/base/rng.ts";
import { activationCosts } from "../../src/by-data/activation-costs.ts";
import { type ActivationOptions, matchActivations } from "../../src/by-data/match-activations.ts";
import { createDataset } from "../../src/data/create-dataset.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { type Architecture, initialiseModel } from "../../src/families/initialise.ts";
import { samePermutation } from "../../src/perm/permutation.ts";
import { bitEqual } from "../reference/bits.ts";
import { firstDifference } from "../reference/first-difference.ts";
import { plant } from "../reference/plant.ts";
import { gaussianArray } from "../reference/random.ts";

const test = suite("activation matching");

const NETWORKS: readonly [Architecture, [height: number, width: number, channels: number]][] = [
  [{ family: "mlp", widths: [48, 20, 24, 5] }, [4, 4, 3]],
  [{ family: "vgg", norm: "layer", input: [4, 4, 2], plan: [8, "pool", 12], dense: [10, 3] }, [4, 4, 2]],
  [{ family: "vgg", norm: "batch", input: [4, 4, 2], plan: [8, "pool", 12], dense: [3] }, [4, 4, 2]],
  [{ family: "resnet", norm: "layer", depth: 8, width: 6, channels: 1, classes: 3 }, [8, 8, 1]],
];

function noise(count: number, [height, width, channels]: readonly [number, number, number], seed: number): Dataset {
  const pixels = gaussianArray(count * height * width * channels, createRng(seed));
  return createDataset({ name: "noise", height, width, channels, pixels, labels: new Uint8Array(count), classes: 2 });
}

for (const [architecture, shape] of NETWORKS) {
  const { family } = architecture;
  const name = "norm" in architecture ? `${family}, ${architecture.norm} norm` : family;
  test(`planted permutations are recovered from activations (${name})`, async () => {
    const a = initialiseModel(architecture, 1);
    const spec = await detectSpec(a);
    const { b, answer } = await plant(spec, a, createRng(2));
    const data = noise(60, shape, 3);
    for (const way of [{ cost: "correlation" }, { polish: "descent" }, { share: 0.3 }] as ActivationOptions[]) {
      const { permutations, report } = await matchActivations(a, b, spec, data, { ...way, batch: 25 });
      assert.is(firstDifference(permutations, answer), null, JSON.stringify(way));
      assert.is(report.method, way.share === undefined ? "activations" : "hybrid");
      assert.is(report.images, 60);
      assert.equal(report.unseen, []);
      assert.ok(report.objective > report.identityObjective);
    }
  });
}

test("inner products recover them too, where units differ in what they say most", async () => {
  const a = initialiseModel({ family: "mlp", widths: [16, 12, 3] }, 5);
  const spec = await detectSpec(a);
  const { b } = await plant(spec, a, createRng(6));
  const data = noise(200, [4, 4, 1], 7);
  const { permutations } = await matchActivations(a, b, spec, data, { cost: "inner-product" });
  const costs = await activationCosts(a, b, spec, data, { cost: "inner-product" });
  // By definition: no two units swapped would be worth more.
  for (const [name, p] of permutations) {
    const at = (i: number, j: number): number => costs.get(name)![i * p.length + j]!;
    for (let i = 0; i < p.length; i++) {
      for (let k = 0; k < i; k++) {
        assert.ok(at(i, p[i]!) + at(k, p[k]!) >= at(i, p[k]!) + at(k, p[i]!) - 1e-6, `${name} ${i} ${k}`);
      }
    }
  }
});

test("batches change costs by rounding alone, builds not at all", async () => {
  const [architecture, shape] = NETWORKS[3]!;
  const [a, b] = [initialiseModel(architecture, 1), initialiseModel(architecture, 2)];
  const spec = await detectSpec(a);
  const data = noise(50, shape, 4);
  for (const cost of ["correlation", "inner-product"] as const) {
    const want = await activationCosts(a, b, spec, data, { cost, batch: 50 });
    const scalar = await activationCosts(a, b, spec, data, { cost, batch: 50, simd: false });
    const cut = await activationCosts(a, b, spec, data, { cost, batch: 7 });
    for (const [name, costs] of want) {
      bitEqual(scalar.get(name)!, costs, name);
      const largest = costs.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      costs.forEach((value, at) => {
        assert.ok(Math.abs(cut.get(name)![at]! - value) <= 1e-4 * largest, `${name} at ${at}`);
      });
    }
  }
});

test("groups that are not chosen stay in place", async () => {
  const [architecture, shape] = NETWORKS[0]!;
  const [a, b] = [initialiseModel(architecture, 1), initialiseModel(architecture, 2)];
  const spec = await detectSpec(a);
  for (const way of [{}, { polish: "descent" }, { share: 0.5 }] as ActivationOptions[]) {
    const { permutations, report } = await matchActivations(a, b, spec, noise(30, shape, 3), { ...way, only: ["P1"] });
    assert.ok(permutations.get("P0")!.every((j, i) => j === i));
    assert.is(report.permutations.P0!.moved, 0);
    assert.ok(report.permutations.P1!.moved > 0);
  }
});

test("costs found before are used again", async () => {
  const [architecture, shape] = NETWORKS[0]!;
  const [a, b] = [initialiseModel(architecture, 1), initialiseModel(architecture, 2)];
  const spec = await detectSpec(a);
  const data = noise(30, shape, 3);
  const costs = await activationCosts(a, b, spec, data);
  const first = await matchActivations(a, b, spec, data);
  const again = await matchActivations(a, b, spec, data, { costs });
  for (const [name, p] of first.permutations) assert.ok(samePermutation(p, again.permutations.get(name)!));
});

test("what does not fit is refused before anything runs; progress and abort", async () => {
  const [architecture, shape] = NETWORKS[0]!;
  const a = initialiseModel(architecture, 1);
  const spec = await detectSpec(a);
  const data = noise(10, shape, 3);
  const refused = async (message: RegExp, options: object, with_: Dataset = data): Promise<void> => {
    const stages: string[] = [];
    const onProgress = ({ stage }: { stage: string }): void => void stages.push(stage);
    try {
      await matchActivations(a, a, spec, with_, { ...options, onProgress });
    } catch (error) {
      assert.match((error as Error).message, message);
      assert.not.ok(stages.includes("activations"), "nothing ran");
      return;
    }
    assert.unreachable(`${message} expected`);
  };
  await refused(/^cost "cosine", expected "correlation" or "inner-product"$/, { cost: "cosine" });
  await refused(/^share -1, expected a number from 0$/, { share: -1 });
  await refused(/^batch 0, expected a positive integer$/, { batch: 0 });
  await refused(/^polish "descent" with share 1/, { polish: "descent", share: 1 });
  await refused(/^polish "sgd"/, { polish: "sgd" });
  await refused(/^perturb 0.5 with share 0/, { perturb: 0.5 });
  await refused(/^permutation nope is not in the spec/, { only: ["nope"] });
  await refused(/^matchActivations option "typo"/, { typo: 1 });
  await refused(/^noise has images of 5×5×3/, {}, noise(10, [5, 5, 3], 3));
  await refused(/^noise has 0 images/, {}, noise(0, shape, 3));
  const abort = new AbortController();
  const done: number[] = [];
  try {
    await matchActivations(a, a, spec, data, {
      batch: 4,
      signal: abort.signal,
      onProgress: (progress) => {
        if (progress.stage !== "activations") return;
        done.push(progress.done);
        if (done.length === 2) abort.abort(new Error("enough"));
      },
    });
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).message, "enough");
  }
  assert.is(done.length, 2);
});

test.run();
