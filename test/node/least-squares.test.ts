/** Repair by least squares of whole networks of every family that runs. */

import * as tf from "@tensorflow/tfjs-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Model } from "../../src/base/model.ts";
import { createRng } from "../../src/base/rng.ts";
import { createDataset } from "../../src/data/create-dataset.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { type Architecture, initialiseModel } from "../../src/families/initialise.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { createCrc32 } from "../../src/kernels/crc32.ts";
import { mergeModels } from "../../src/merge/merge-models.ts";
import { findGuessing } from "../../src/repair/check-parents.ts";
import type { RepairOptions } from "../../src/repair/options.ts";
import { repairModel } from "../../src/repair/repair-model.ts";
import { createLockstep } from "../../src/repair/tfjs/lockstep.ts";
import { channelStatistics } from "../../src/repair/tfjs/statistics.ts";
import { createNetwork } from "../../src/run/tfjs/network.ts";
import { toModel } from "../reference/networks.ts";
import { gaussianArray } from "../reference/random.ts";
import { distance, edited, logitsOf, noise, type Shape } from "../reference/repair-networks.ts";
import { RUN_CASES } from "../reference/run-cases.ts";

const test = suite("least squares");

const solve = (merged: Model, parents: readonly Model[], data: Dataset, options: Partial<RepairOptions> = {}) =>
  repairModel(merged, parents, data, { kind: "least-squares", ...options });

const RESNET_BN: Architecture = { family: "resnet", norm: "batch", depth: 8, width: 6, channels: 1, classes: 3 };
const RESNET_LN: Architecture = { ...RESNET_BN, norm: "layer" };
const MLP: Architecture = { family: "mlp", widths: [16, 20, 12, 5] };
const FOUR: Shape = [4, 4, 1];
const EIGHT: Shape = [8, 8, 1];

for (const [name, build] of RUN_CASES) {
  test(`linear tensors that were scrambled come back from one parent (${name})`, async () => {
    const { tensors, side } = build();
    const shape: Shape = [side, side, 1];
    const data = noise(60, shape);
    const parent = toModel(tensors);
    const network = await createNetwork(parent);
    const linear = new Set(
      network.graph.operations.flatMap(({ kind }) =>
        kind.op === "dense" || kind.op === "conv" ? [kind.weight, kind.bias] : [],
      ),
    );
    network.dispose();
    const rng = createRng(9);
    const scrambled = await edited(parent, (tensor, values) => {
      if (linear.has(tensor)) values.set(gaussianArray(values.length, rng, 0.3));
    });
    // A norm's statistics become those of these images: so must the parent's, whose tensors must not change by it.
    const { model: own } = await solve(parent, [parent], data, { ridge: 1e6 });
    const { model, report } = await solve(scrambled, [own], data, { ridge: 1e-9 });
    assert.ok(report.operations.length > 2);
    for (const { value, before, after, residual } of report.operations) {
      assert.ok(before > 0.1 && after < 2e-3, `${value}: ${before}, ${after}`);
      assert.ok(residual < 1e-14, `${value}: ${residual}`);
    }
    assert.ok(distance(await logitsOf(model, data), await logitsOf(own, data)) < 5e-3);
  });
}

async function pairOf(architecture: Architecture): Promise<{ a: Model; b: Model; merged: Model }> {
  const [a, b] = [initialiseModel(architecture, 1), initialiseModel(architecture, 2)];
  return { a, b, merged: await mergeModels(a, b, await detectSpec(a), new Map()) };
}

test("a network stays as it is where its parents are itself, whatever their shares", async () => {
  for (const [architecture, shape] of [
    [MLP, FOUR],
    [RESNET_LN, EIGHT],
  ] as const) {
    const { a, b } = await pairOf(architecture);
    for (const [parents, weights] of [
      [[a], undefined],
      [
        [a, a, a],
        [0.2, 0.3, 0.5],
      ],
      [
        [a, b],
        [1, 0],
      ],
    ] as const) {
      const { model, report } = await solve(a, parents, noise(30, shape), { weights });
      for (const tensor of a.tensors.keys()) {
        const read = async (from: Model) => new Float32Array((await from.read(tensor)).slice().buffer);
        const [found, kept] = [await read(model), await read(a)];
        found.forEach((value, i) => {
          assert.ok(Math.abs(value - kept[i]!) < 1e-5, `${tensor} ${i}`);
        });
      }
      assert.ok(report.operations.every(({ before, after }) => before < 1e-5 && after < 1e-5));
      assert.is(model.metadata.get("rebasin.repair"), "least-squares");
    }
  }
});

test("a merge comes closer to the mean of its parents' logits, with BatchNorm, too", async () => {
  for (const architecture of [RESNET_LN, RESNET_BN]) {
    const { a, b, merged } = await pairOf(architecture);
    const data = noise(200, EIGHT);
    const [ofA, ofB] = [await logitsOf(a, data), await logitsOf(b, data)];
    const target = ofA.map((each, i) => 0.5 * each + 0.5 * ofB[i]!);
    const { model, report } = await solve(merged, [a, b], data);
    const error = distance(await logitsOf(model, data), target);
    const { model: before } = await solve(merged, [a, b], data, { ridge: 1e6 });
    const unsolved = distance(await logitsOf(before, data), target);
    assert.ok(error < 0.6 * unsolved, `${architecture.norm}: ${error}, ${unsolved} before`);
    const last = report.operations.at(-1)!;
    assert.is(last.value, "fc");
    assert.ok(Math.abs(last.after - error) < 1e-4, `${last.after} and ${error}`);
    for (const { before, after } of report.operations) assert.ok(after <= before);
  }
});

test("BatchNorm's statistics are those of the images; a channel that never changes keeps its variance", async () => {
  const { a, b, merged } = await pairOf(RESNET_BN);
  // Channel 2 of the first block's first convolution is dead in both.
  const dead = (model: Model) =>
    edited(model, (name, values) => {
      if (name === "layer1.0.conv1.weight") values.fill(0, 2 * 6 * 9, 3 * 6 * 9);
      if (name === "layer1.0.norm1.running_var") values[2] = 0.25;
    });
  const data = noise(50, EIGHT);
  const { model } = await solve(await dead(merged), [await dead(a), await dead(b)], data, { batch: 20 });
  const network = await createNetwork(model);
  const norms = network.graph.operations.filter(({ kind }) => kind.op === "batch-norm");
  const inputs = norms.map((norm) => norm.inputs[0]!);
  const measured = await channelStatistics(network, data, inputs, { batch: 50 });
  for (const { kind, inputs: given } of norms) {
    if (kind.op !== "batch-norm") continue;
    const { mean, deviation } = measured.get(given[0]!)!;
    const [means, variances] = [kind.mean, kind.variance].map((each) => network.variables.get(each)!.dataSync());
    mean.forEach((each, i) => {
      assert.ok(Math.abs(means![i]! - each) < 1e-4);
    });
    deviation.forEach((each, i) => {
      if (each === 0) assert.is(variances![i], 0.25);
      else assert.ok(Math.abs(variances![i]! / each ** 2 - 1) < 0.02);
    });
  }
  assert.is([...measured.values()].flatMap(({ deviation }) => [...deviation]).filter((each) => each === 0).length, 1);
  network.dispose();
});

test("batches, and what may wait in memory, change results by rounding alone", async () => {
  const { a, b, merged } = await pairOf(RESNET_LN);
  const data = noise(50, EIGHT);
  const [whole, cut] = [
    await solve(merged, [a, b], data, { batch: 50 }),
    await solve(merged, [a, b], data, { batch: 7 }),
  ];
  assert.ok(distance(await logitsOf(whole.model, data), await logitsOf(cut.model, data)) < 1e-4);
  const networks = [await createNetwork(a), await createNetwork(b)];
  const seen: number[][] = [];
  for (const bytes of [0, 40_000, 2 ** 30]) {
    const sums: number[] = [];
    const lockstep = createLockstep(networks, data, { batch: 20 }, bytes);
    for (const ends of [
      [1, 2],
      [5, 0],
      [9, 10],
    ]) {
      await lockstep.each(ends, (values) => {
        const last = values.map((each) => [...each.values()].at(-1)!);
        for (const value of last) sums.push(value.dataSync<"float32">().reduce((sum, each) => sum + each, 0));
      });
    }
    lockstep.dispose();
    lockstep.dispose();
    seen.push(sums);
  }
  for (const network of networks) network.dispose();
  assert.is(seen[0]!.length, 18);
  // Values of the second network in the second walk are of where it waits; started over, it has only its images.
  const compared = (sums: number[]): number[] => sums.filter((_, i) => i < 6 || i >= 12 || i % 2 === 0);
  assert.equal(compared(seen[0]!), compared(seen[2]!));
  assert.equal(compared(seen[1]!), compared(seen[2]!));
});

test("biases can be added, and a temperature folded into the last matrix", async () => {
  const { a, b, merged } = await pairOf(RESNET_LN);
  const data = noise(60, EIGHT);
  const plain = await solve(merged, [a, b], data);
  const grown = await solve(merged, [a, b], data, { addBias: true });
  assert.equal(plain.report.addedBiases, []);
  assert.is(grown.report.addedBiases.length, plain.report.unshifted.length);
  assert.is(grown.report.unshifted.length, 0);
  assert.is(grown.model.tensors.size, merged.tensors.size + grown.report.addedBiases.length);
  const tempered = await solve(merged, [a, b], data, { temperature: true });
  const { temperature } = tempered.report;
  assert.ok(temperature! > 0.1 && temperature! < 10, `${temperature}`);
  const [before, after] = [await logitsOf(plain.model, data), await logitsOf(tempered.model, data)];
  assert.ok(
    distance(
      after.map((each) => each * temperature!),
      before,
    ) < 1e-5,
  );
});

test("few images, even two, give numbers", async () => {
  const { a, b, merged } = await pairOf(RESNET_BN);
  const { model } = await solve(merged, [a, b], noise(2, EIGHT));
  assert.ok((await logitsOf(model, noise(20, EIGHT))).every(Number.isFinite));
});

test("progress ends where it said, and nothing stays allocated", async () => {
  const { a, b, merged } = await pairOf(RESNET_BN);
  const data = noise(30, EIGHT);
  const before = tf.memory().numTensors;
  const seen: [number, number][] = [];
  let need = 0;
  await solve(merged, [a, b], data, {
    batch: 10,
    temperature: true,
    onNeed: ({ bytes }) => {
      need = bytes;
      assert.is(seen.length, 0);
    },
    onProgress: ({ stage, done, total }) => {
      assert.is(stage, "repair");
      seen.push([done, total!]);
    },
  });
  assert.ok(need > 1000);
  assert.ok(seen.every(([done], i) => i === 0 || done >= seen[i - 1]![0]));
  assert.is(...(seen.at(-1)! as [number, number]));
  const abort = new AbortController();
  await refused(/^enough$/, () =>
    solve(merged, [a, b], data, { batch: 5, signal: abort.signal, onProgress: () => abort.abort(new Error("enough")) }),
  );
  assert.is(tf.memory().numTensors, before);
});

async function refused(message: RegExp, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    assert.match((error as Error).message, message);
    return;
  }
  assert.unreachable(`${message} expected`);
}

test("what cannot be solved is refused in a line", async () => {
  const { a, b, merged } = await pairOf(MLP);
  const data = noise(4, FOUR);
  await refused(/^at is not for repair least-squares/, () => solve(merged, [a, b], data, { at: "norms" }));
  await refused(/^ridge is for repair least-squares, expected no ridge with repair$/, () =>
    repairModel(merged, [a, b], data, { kind: "repair", ridge: 1 }),
  );
  await refused(/^ridge -1, expected a number from 0/, () => solve(merged, [a, b], data, { ridge: -1 }));
  await refused(/^parents \[\], expected at least one$/, () => solve(merged, [], data));
  await refused(/has no single best tensor .* more images$/, () => solve(merged, [a, b], data, { ridge: 0 }));
  const bad = await edited(a, (_, values) => {
    values[0] = Number.NaN;
  });
  await refused(/ has NaN or infinity in its tensors, expected finite numbers$/, () => solve(bad, [a, b], data));
  await refused(/ has NaN or infinity, expected finite activations$/, () => solve(merged, [bad, b], data));
});

test("parents that only guess are found", async () => {
  const pixels = Uint8Array.from({ length: 400 * 16 }, (_, i) => (Math.floor(i / 16) % 2 === 0 ? 250 : 10));
  const labels = Uint8Array.from({ length: 400 }, (_, i) => i % 2);
  const data = createDataset({ name: "stripes", height: 4, width: 4, channels: 1, pixels, labels, classes: 2 });
  const right = await edited(initialiseModel({ family: "mlp", widths: [16, 4, 2] }, 1), (name, values) => {
    values.fill(0);
    if (name === "layers.0.weight") values.fill(1, 0, 16);
    if (name === "layers.1.weight") values[0] = 1;
    if (name === "layers.1.bias") values[1] = 8;
  });
  const wrong = await edited(right, (name, values) => {
    if (name === "layers.1.bias") values[1] = 100;
  });
  assert.is(await findGuessing([right], data), undefined);
  assert.equal(await findGuessing([right, wrong], data), { model: wrong.name, accuracy: 0.5, chance: 0.5 });
});

test("the same bytes in every runtime", async () => {
  const digests: string[] = [];
  for (const [architecture, shape] of [
    [MLP, FOUR],
    [RESNET_LN, EIGHT],
    [RESNET_BN, EIGHT],
  ] as const) {
    const { a, b, merged } = await pairOf(architecture);
    const { model } = await solve(merged, [a, b], noise(40, shape), { temperature: true });
    const digest = createCrc32()();
    digest.add(await encodeSafetensors(model));
    digests.push(digest.value().toString(16));
  }
  assert.equal(digests, ["3d7c90e6", "da0b7824", "d8e8b054"]);
});

test.run();
