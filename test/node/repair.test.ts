/** Repair of merged networks: statistics of channels, brought to those of the endpoints. */

import * as tf from "@tensorflow/tfjs-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { memoryModel, type TensorData } from "../../src/base/memory-model.ts";
import type { Model } from "../../src/base/model.ts";
import { createRng } from "../../src/base/rng.ts";
import { createDataset } from "../../src/data/create-dataset.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { type Architecture, initialiseModel } from "../../src/families/initialise.ts";
import { mergeModels } from "../../src/merge/merge-models.ts";
import { applyTaskAffine } from "../../src/repair/apply-task-affine.ts";
import { channelSums } from "../../src/repair/channel-statistics.ts";
import type { RepairOptions } from "../../src/repair/options.ts";
import { repairPlaces } from "../../src/repair/places.ts";
import { repairModel } from "../../src/repair/repair-model.ts";
import { taskAffine } from "../../src/repair/task-affine.ts";
import { channelStatistics } from "../../src/repair/tfjs/statistics.ts";
import { createWalk } from "../../src/repair/tfjs/walk.ts";
import { createNetwork } from "../../src/run/tfjs/network.ts";
import { gaussianArray } from "../reference/random.ts";

const test = suite("repair");

type Shape = readonly [height: number, width: number, channels: number];
const MLP: [Architecture, Shape] = [{ family: "mlp", widths: [48, 20, 16, 5] }, [4, 4, 3]];
const VGG_BN: [Architecture, Shape] = [
  { family: "vgg", norm: "batch", input: [4, 4, 2], plan: [8, "pool", 12], dense: [10, 3] },
  [4, 4, 2],
];
const RESNET_LN: [Architecture, Shape] = [
  { family: "resnet", norm: "layer", depth: 8, width: 6, channels: 1, classes: 3 },
  [8, 8, 1],
];
const RESNET_BN: [Architecture, Shape] = [
  { family: "resnet", norm: "batch", depth: 8, width: 6, channels: 1, classes: 3 },
  [8, 8, 1],
];
const NETWORKS = [MLP, VGG_BN, RESNET_LN, RESNET_BN];

function noise(count: number, [height, width, channels]: Shape, seed = 3): Dataset {
  const pixels = gaussianArray(count * height * width * channels, createRng(seed));
  return createDataset({ name: "noise", height, width, channels, pixels, labels: new Uint8Array(count), classes: 2 });
}

async function floatsOf(model: Model, name: string): Promise<Float32Array> {
  return new Float32Array((await model.read(name)).slice().buffer);
}

/** A copy in which `edit` has had every tensor in its hands. */
async function edited(model: Model, edit: (name: string, values: Float32Array) => void): Promise<Model> {
  const tensors = new Map<string, TensorData>();
  for (const [name, info] of model.tensors) {
    const values = info.dtype === "F32" ? await floatsOf(model, name) : undefined;
    if (values !== undefined) edit(name, values);
    const data = values === undefined ? await model.read(name) : new Uint8Array(values.buffer);
    tensors.set(name, { ...info, data });
  }
  return memoryModel(tensors, { name: model.name });
}

/** The largest difference between tensors of one name, relative to the largest value there. */
async function distance(a: Model, b: Model): Promise<number> {
  let worst = 0;
  for (const [name, { dtype }] of a.tensors) {
    if (dtype !== "F32") continue;
    const [x, y] = [await floatsOf(a, name), await floatsOf(b, name)];
    const largest = x.reduce((most, each) => Math.max(most, Math.abs(each)), 1e-6);
    worst = x.reduce((most, each, i) => Math.max(most, Math.abs(each - y[i]!) / largest), worst);
  }
  return worst;
}

async function midpoint([architecture]: [Architecture, Shape]): Promise<{ a: Model; b: Model; merged: Model }> {
  const [a, b] = await Promise.all(
    [1, 2].map((seed) => {
      const rng = createRng(seed + 10);
      // Biases, shifts and scales that are not all the same.
      return edited(initialiseModel(architecture, seed), (name, values) => {
        if (!/bias|norm|bn|running/.test(name)) return;
        gaussianArray(values.length, rng).forEach((each, i) => {
          values[i] = name.includes("bias") || name.includes("mean") ? 0.2 * each : 0.6 + 0.1 * each * each;
        });
      });
    }),
  );
  return { a: a!, b: b!, merged: await mergeModels(a!, b!, await detectSpec(a!, { normGroups: 1 }), new Map()) };
}

for (const [architecture, shape] of NETWORKS) {
  const name = `${architecture.family}${"norm" in architecture ? ` with ${architecture.norm} norm` : ""}`;
  test(`a network repaired to itself stays as it is (${name})`, async () => {
    const { a } = await midpoint([architecture, shape]);
    for (const kind of ["repair", "rescale", "reshift"] as const) {
      const { model, report } = await repairModel(a, [a, a], noise(20, shape), { kind, batch: 7 });
      assert.ok((await distance(a, model)) < 1e-6, kind);
      assert.equal([...model.tensors], [...a.tensors]);
      assert.equal(report.addedBiases, []);
    }
  });

  test(`after repair, channels have the statistics of the endpoints (${name})`, async () => {
    const { a, b, merged } = await midpoint([architecture, shape]);
    const data = noise(40, shape);
    const at = "both";
    const options: RepairOptions = { kind: "repair", weights: [0.75, 0.25], at, addBias: true, batch: 16 };
    const { model, report } = await repairModel(merged, [a, b], data, options);
    assert.equal(report.unshifted, []);
    assert.is(report.addedBiases.length > 0, name === "resnet with layer norm");
    const measured = [];
    for (const each of [a, b, model]) {
      const network = await createNetwork(each);
      const values = repairPlaces(network.graph, at).map(({ value }) => value);
      measured.push(await channelStatistics(network, data, values, { batch: 40 }));
      network.dispose();
    }
    const [ofA, ofB, found] = measured as [(typeof measured)[0], (typeof measured)[0], (typeof measured)[0]];
    for (const [value, { mean, deviation }] of found) {
      for (const [kind, each] of [
        ["mean", mean],
        ["deviation", deviation],
      ] as const) {
        each.forEach((got, i) => {
          const want = 0.75 * ofA.get(value)![kind][i]! + 0.25 * ofB.get(value)![kind][i]!;
          assert.ok(Math.abs(got - want) < 1e-4 * (1 + Math.abs(want)), `${value} ${kind} ${i}: ${got}, ${want}`);
        });
      }
    }
  });
}

test("channels scaled and shifted by hand come back", async () => {
  const { a } = await midpoint(MLP);
  const broken = await edited(a, (name, values) => {
    if (!name.includes("0")) return;
    const channels = 20;
    for (let i = 0; i < values.length; i++) values[i]! *= 0.5 + Math.floor((i * channels) / values.length) / 10;
    if (name.endsWith("bias")) for (let i = 0; i < values.length; i++) values[i]! -= 0.3;
  });
  assert.ok((await distance(a, broken)) > 0.3);
  const { model } = await repairModel(broken, [a, a], noise(60, MLP[1]), { kind: "repair" });
  assert.ok((await distance(a, model)) < 1e-4);
});

test("batches and what may wait in memory change results by rounding alone", async () => {
  const { a, b, merged } = await midpoint(RESNET_LN);
  const data = noise(50, RESNET_LN[1]);
  const whole = await repairModel(merged, [a, b], data, { kind: "repair", batch: 50 });
  const cut = await repairModel(merged, [a, b], data, { kind: "repair", batch: 7 });
  assert.ok((await distance(whole.model, cut.model)) < 1e-4);
  const network = await createNetwork(a);
  const statistics = [];
  for (const bytes of [0, 40_000, 2 ** 29]) {
    const walk = createWalk(network, data, { batch: 9 }, bytes);
    for (const { value } of repairPlaces(network.graph, "both")) statistics.push(await walk.measure(value));
    walk.dispose();
  }
  const third = statistics.length / 3;
  for (let i = 0; i < 2 * third; i++) assert.equal(statistics[i], statistics[i + third]);
  network.dispose();
});

test("bn-reset is the average of batches' means and unbiased variances, as plain loops have it", async () => {
  const { a, b, merged } = await midpoint(VGG_BN);
  const data = noise(30, VGG_BN[1]);
  const { model, report } = await repairModel(merged, [a, b], data, { kind: "bn-reset", batch: 10 });
  const network = await createNetwork(merged);
  const first = network.graph.operations.find(({ kind }) => kind.op === "batch-norm")!;
  const { kind, inputs } = first;
  assert.is(report.places[0]!.value, first.output);
  if (kind.op !== "batch-norm") return assert.unreachable();
  const channels = merged.tensors.get(kind.mean)!.shape[0]!;
  const [means, variances] = [new Float64Array(channels), new Float64Array(channels)];
  for (let at = 0; at < 30; at += 10) {
    const images = tf.tensor4d(data.read(at, at + 10), [10, 4, 4, 2]);
    const values = network.run(images, new Set(inputs)).values.get(inputs[0]!)!.dataSync<"float32">();
    const rows = values.length / channels;
    for (let c = 0; c < channels; c++) {
      let [mean, squares] = [0, 0];
      for (let r = 0; r < rows; r++) mean += values[r * channels + c]! / rows;
      for (let r = 0; r < rows; r++) squares += (values[r * channels + c]! - mean) ** 2;
      means[c]! += mean / 3;
      variances[c]! += squares / (rows - 1) / 3;
    }
  }
  network.dispose();
  const [gotMean, gotVariance] = [await floatsOf(model, kind.mean), await floatsOf(model, kind.variance)];
  for (let c = 0; c < channels; c++) {
    assert.ok(Math.abs(gotMean[c]! - means[c]!) < 1e-5, `mean ${c}`);
    assert.ok(Math.abs(gotVariance[c]! - variances[c]!) < 1e-5 * (1 + variances[c]!), `variance ${c}`);
  }
  assert.is(model.metadata.get("rebasin.repair"), "bn-reset");
});

test("a convolution without bias is rescaled alone, and the report says so; with a bias it runs", async () => {
  const { a, b, merged } = await midpoint(RESNET_LN);
  const data = noise(20, RESNET_LN[1]);
  const { model, report } = await repairModel(merged, [a, b], data, { kind: "repair" });
  assert.ok(report.unshifted.length > 5);
  assert.equal([...model.tensors], [...merged.tensors]);
  const grown = await repairModel(merged, [a, b], data, { kind: "repair", addBias: true });
  assert.equal(grown.report.unshifted, []);
  assert.is(grown.report.addedBiases.length, report.unshifted.length);
  assert.ok(grown.model.tensors.has("conv1.bias"));
  await detectSpec(grown.model, { normGroups: 1 });
  (await createNetwork(grown.model)).dispose();
});

test("channels that never change keep their scale", async () => {
  const sums = channelSums("x");
  sums.add({ shape: [2, 2], data: Float32Array.of(0.1, 1, 0.1, 2) });
  sums.add({ shape: [1, 2], data: Float32Array.of(0.1, 6) });
  const { mean, deviation } = sums.finish();
  assert.is(deviation[0], 0);
  assert.ok(Math.abs(mean[1]! - 3) < 1e-12 && Math.abs(deviation[1]! - Math.sqrt(14 / 3)) < 1e-12);
  const { a, b } = await midpoint(MLP);
  const dead = await edited(a, (name, values) => {
    if (name === "layers.0.weight") values.fill(0, 0, 48);
  });
  const { model, report } = await repairModel(dead, [a, b], noise(20, MLP[1]), { kind: "repair" });
  assert.is(report.places[0]!.dead, 1);
  assert.ok((await floatsOf(model, "layers.0.weight")).every(Number.isFinite));
});

test("a task's side file brings the merged model to its expert's statistics", async () => {
  const { a, b, merged } = await midpoint(RESNET_LN);
  const data = noise(30, RESNET_LN[1]);
  for (const addBias of [false, true]) {
    const side = await taskAffine(merged, b, data, { task: "second", addBias });
    assert.is(side.metadata.get("rebasin.task"), "second");
    const applied = await applyTaskAffine(merged, side);
    const repaired = await repairModel(merged, [a, b], data, { kind: "repair", weights: [0, 1], addBias });
    assert.ok((await distance(repaired.model, applied)) < 1e-5);
    assert.is(applied.tensors.has("conv1.bias"), addBias);
  }
  const side = await taskAffine(merged, a, data, { task: "first" });
  const bare = memoryModel(new Map(), { name: "bare" });
  await refused(/^bare metadata rebasin.kind is undefined, expected task-affine$/, () => applyTaskAffine(merged, bare));
  const other = await midpoint(MLP);
  await refused(/tensor .* is missing, expected a vector of F32$/, () => applyTaskAffine(other.merged, side));
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

test("what cannot be repaired is refused in a line", async () => {
  const { a, b, merged } = await midpoint(MLP);
  const [, shape] = MLP;
  const repair = (options: object, data = noise(4, shape)) =>
    repairModel(merged, [a, b], data, { kind: "repair", ...options } as RepairOptions);
  await refused(/has no BatchNorm, expected one to reset/, () => repair({ kind: "bn-reset" }));
  await refused(/^noise has 1 image, expected at least 2 for statistics$/, () => repair({}, noise(1, shape)));
  await refused(/^noise has 0 images/, () => repair({}, noise(0, shape)));
  await refused(/^noise has images of 5×5×3/, () => repair({}, noise(4, [5, 5, 3])));
  await refused(/^repair "fix", expected one of least-squares/, () => repair({ kind: "fix" }));
  await refused(/^weights 2, -1, expected 2 numbers/, () => repair({ weights: [2, -1] }));
  await refused(/^batch 0, expected a positive integer$/, () => repair({ batch: 0 }));
  await refused(/^at "all", expected/, () => repair({ at: "all" }));
  await refused(/^repairModel option "typo"/, () => repair({ typo: 1 }));
  const bad = await edited(a, (_, values) => {
    values[0] = Number.NaN;
  });
  await refused(/has NaN or infinity in channel 0, expected finite activations$/, () =>
    repairModel(bad, [a, b], noise(4, shape), { kind: "repair" }),
  );
  const abort = new AbortController();
  await refused(/^enough$/, () =>
    repair({ signal: abort.signal, batch: 2, onProgress: () => abort.abort(new Error("enough")) }),
  );
  const before = tf.memory().numTensors;
  await repair({});
  assert.is(tf.memory().numTensors, before, "nothing stays allocated");
});

test.run();
