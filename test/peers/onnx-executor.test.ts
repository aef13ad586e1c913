/** ONNX networks in onnxruntime give what TensorFlow.js gives for the same tensors. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { memoryModel, type TensorData } from "../../src/base/memory-model.ts";
import type { Model } from "../../src/base/model.ts";
import { createRng } from "../../src/base/rng.ts";
import { activationCosts } from "../../src/by-data/activation-costs.ts";
import { matchActivations } from "../../src/by-data/match-activations.ts";
import { createDataset } from "../../src/data/create-dataset.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { withNetworkNotes } from "../../src/families/network-notes.ts";
import { openModel } from "../../src/formats/open-model.ts";
import { calibratePair } from "../../src/measure/calibrate-pair.ts";
import { sampleCurves } from "../../src/measure/curve.ts";
import { mergeModels } from "../../src/merge/merge-models.ts";
import { resolveFor } from "../../src/perm/resolve-for.ts";
import { chooseSpec } from "../../src/plan/rebasin.ts";
import { applyTaskAffine } from "../../src/repair/apply-task-affine.ts";
import { inputGrams } from "../../src/repair/input-grams.ts";
import { repairModel } from "../../src/repair/repair-model.ts";
import type { RepairKind } from "../../src/repair/report.ts";
import { taskAffine } from "../../src/repair/task-affine.ts";
import { evaluateModel } from "../../src/run/models/evaluate-model.ts";
import { graphOf } from "../../src/run/models/model-graph.ts";
import { createRunner, openRunning } from "../../src/run/models/running-model.ts";
import { scoreModel } from "../../src/run/models/score-model.ts";
import { onnxExecutor } from "../../src/run/onnx/executor.ts";
import { rejects } from "../reference/expect-error.ts";
import { firstDifference } from "../reference/first-difference.ts";
import { near } from "../reference/near.ts";
import { mlpOnnx, onnxNetwork, resnetOnnx, vggOnnx } from "../reference/onnx-networks.ts";
import { type Oddness, twinOnnx, windowsOnnx } from "../reference/onnx-odd.ts";
import { plant } from "../reference/plant.ts";
import { gaussianArray } from "../reference/random.ts";
import { onnxRuntime, withPeers } from "./peer.ts";

const test = suite("ONNX networks as an executor");

const open = (bytes: Uint8Array): Promise<Model> => openModel(bytes, { name: "a.onnx" });
const onnx = () => onnxExecutor({ runtime: onnxRuntime() });
type Size = readonly [number, number, number];

/** The same tensors without the file: names show the family. */
async function withoutFile(model: Model): Promise<Model> {
  const tensors = new Map<string, TensorData>();
  for (const [name, { dtype, shape }] of model.tensors)
    tensors.set(name, { dtype, shape, data: (await model.read(name)).slice() });
  return memoryModel(tensors, { name: "a.safetensors" });
}

/** Images on both sides of zero, so that few units are dead. */
function noise(count: number, [height, width, channels]: Size, classes: number): Dataset {
  const pixels = gaussianArray(count * height * width * channels, createRng(3));
  const labels = Uint8Array.from({ length: count }, (_, i) => i % classes);
  return createDataset({ name: "noise", height, width, channels, pixels, labels, classes });
}

async function nearTensors(actual: Model, wanted: Model, what: string): Promise<void> {
  for (const [name, { dtype }] of wanted.tensors) {
    if (dtype !== "F32") continue;
    const [x, y] = [(await actual.read(name)).slice(), (await wanted.read(name)).slice()];
    near(new Float32Array(x.buffer), new Float32Array(y.buffer), `${what} ${name}`, 1e-4);
  }
}

const VGG: Size = [8, 8, 3];
const NETWORKS: readonly (readonly [name: string, make: (seed: number) => Uint8Array, size: Size, classes: number])[] =
  [
    ["MLP on rows", (seed) => mlpOnnx(seed), [4, 4, 1], 5],
    ["VGG", vggOnnx, VGG, 4],
    ["ResNet", resnetOnnx, VGG, 4],
    ["VGG with other operators", (seed) => twinOnnx(seed, { odd: true }), VGG, 4],
    ["VGG, channels last", (seed) => twinOnnx(seed, { layout: "nhwc" }), VGG, 4],
    ["VGG of a fixed batch, with other operators", (seed) => twinOnnx(seed, { odd: true, batch: 7 }), VGG, 4],
    ["VGG that ends in a softmax", (seed) => twinOnnx(seed, { odd: true, end: "Softmax" }), VGG, 4],
  ];

/** What the two compute: the values that are named alike, in both orders of channels. */
for (const [name, make, size, classes] of NETWORKS) {
  const data = noise(40, size, classes);

  withPeers(test, `${name}: logits, activations and their costs, and planted permutations`, async () => {
    const a = await open(make(1));
    const spec = await chooseSpec("auto", a);
    const { b, answer } = await plant(spec, a, createRng(4));
    const family = await withoutFile(a);
    const [one, other] = [await openRunning(a, onnx()), await openRunning(family)];
    const images = { shape: [10, ...size], data: data.read(0, 10) };
    const inputs = new Map([["input", images]]);
    const valueAt = async (running: typeof one, value: string) =>
      (await running.network.run(inputs, new Set([value]))).get(value)!;
    const resolved = resolveFor(a, spec);
    const [taps, wantedTaps] = [await one.taps(resolved), await other.taps(resolveFor(family, spec))];
    for (const [permutation, wanted] of wantedTaps) {
      const found = taps.get(permutation)!;
      assert.is(found.length, wanted.length, permutation);
      for (const [i, { value, block }] of found.entries()) {
        assert.is(block, wanted[i]!.block);
        const [x, y] = [await valueAt(one, value), await valueAt(other, wanted[i]!.value)];
        assert.equal(x.shape, y.shape);
        near(x.data, y.data, `${permutation} ${value}`, 1e-5);
      }
    }
    near((await valueAt(one, one.graph.output)).data, (await valueAt(other, other.graph.output)).data, "logits", 1e-5);
    one.network.dispose();
    other.network.dispose();
    const options = { batch: 13, executor: onnx() };
    const costs = await activationCosts(a, b, spec, data, options);
    const wanted = await activationCosts(family, await withoutFile(b), spec, data, { batch: 13 });
    assert.equal([...costs.keys()], [...wanted.keys()]);
    for (const [permutation, values] of wanted) near(costs.get(permutation)!, values, permutation, 1e-4);
    const { permutations } = await matchActivations(a, b, spec, data, options);
    assert.is(firstDifference(permutations, answer), null);
  });

  withPeers(test, `${name}: evaluations, calibrations and curves`, async () => {
    const [a, b] = [await open(make(1)), await open(make(2))];
    const [plainA, plainB] = [await withoutFile(a), await withoutFile(b)];
    const spec = await chooseSpec("auto", a);
    const { permutations } = await matchActivations(a, b, spec, data, { executor: onnx() });
    const executor = onnx();
    const [found, wanted] = [await scoreModel(a, data, { executor }), await scoreModel(plainA, data)];
    assert.ok(Math.abs(found.loss - wanted.loss) < 1e-5 && found.accuracy === wanted.accuracy);
    assert.ok(Math.abs(found.calibration.error - wanted.calibration.error) < 1e-5);
    assert.equal((await evaluateModel(b, data, { executor })).accuracy, (await evaluateModel(plainB, data)).accuracy);
    const splits = new Map([["all", data]]);
    const [x, y] = [
      (await sampleCurves({ a, b, spec, permutations }, splits, { points: 5, executor })).get("all")!,
      (await sampleCurves({ a: plainA, b: plainB, spec, permutations }, splits, { points: 5 })).get("all")!,
    ];
    for (const line of ["naive", "aligned"] as const)
      for (const [i, { loss, accuracy }] of x[line].points.entries()) {
        assert.ok(Math.abs(loss - y[line].points[i]!.loss) < 1e-4, `${line} ${i}`);
        assert.ok(Math.abs(accuracy - y[line].points[i]!.accuracy) <= 1 / data.count);
      }
    await calibratePair({ a, b, spec, permutations }, data, { executor });
  });

  const kinds: readonly RepairKind[] = name.includes(",")
    ? ["repair"]
    : ["least-squares", ...(name.startsWith("MLP") ? [] : (["bn-reset"] as const)), "repair", "rescale", "reshift"];
  for (const kind of kinds)
    withPeers(test, `${name}: repair ${kind}`, async () => {
      const [a, b] = [await open(make(1)), await open(make(2))];
      const [plainA, plainB] = [await withoutFile(a), await withoutFile(b)];
      const spec = await chooseSpec("auto", a);
      const merged = await mergeModels(a, b, spec, new Map());
      const plain = await mergeModels(plainA, plainB, spec, new Map());
      const options = { kind, batch: 20, temperature: kind === "least-squares" ? true : undefined };
      const found = await repairModel(merged, [a, b], data, { ...options, executor: onnx() });
      const wanted = await repairModel(plain, [plainA, plainB], data, options);
      await nearTensors(found.model, wanted.model, kind);
      assert.is(found.report.places.length, wanted.report.places.length);
      assert.is(found.report.operations.length, wanted.report.operations.length);
      assert.equal(found.report.leftOut, []);
      // It is still the network of its file.
      const { loss } = await evaluateModel(found.model, data, { executor: onnx() });
      assert.ok(Math.abs(loss - (await evaluateModel(wanted.model, data)).loss) < 1e-3);
    });
}

withPeers(test, "Gram matrices, and scales and shifts for a task, are those of the same tensors", async () => {
  const data = noise(30, VGG, 4);
  const [a, b] = [await open(twinOnnx(1, { odd: true })), await open(twinOnnx(2, { odd: true }))];
  const [plainA, plainB] = [await withoutFile(a), await withoutFile(b)];
  const executor = onnx();
  const [grams, wanted] = [await inputGrams(a, data, { executor }), await inputGrams(plainA, data)];
  assert.equal([...grams.keys()], [...wanted.keys()]);
  for (const [tensor, gram] of wanted) near(grams.get(tensor)!, gram, tensor, 1e-4);
  const side = await taskAffine(a, b, data, { task: "t", executor });
  const wantedSide = await taskAffine(plainA, plainB, data, { task: "t" });
  await nearTensors(await applyTaskAffine(a, side), await applyTaskAffine(plainA, wantedSide), "task");
});

withPeers(test, "least squares finds the parents' tensors again: uneven windows, groups, rows of tokens", async () => {
  const parent = await open(windowsOnnx(1));
  const start = await mergeModels(parent, await open(windowsOnnx(2)), await chooseSpec("auto", parent), new Map());
  // All after the transposed kernel, which is left as it is, would answer for another input.
  const own = new Set(["up.weight", "up.bias"]);
  const merged: Model = {
    ...start,
    read: (name, signal) => (own.has(name) ? parent : start).read(name, signal),
  };
  const data = noise(60, [8, 8, 4], 3);
  const { model, report } = await repairModel(merged, [parent, parent], data, {
    ...{ kind: "least-squares", ridge: 0, executor: onnx() },
  });
  await nearTensors(model, parent, "solved");
  assert.is(report.operations.length, 4);
  assert.equal(report.leftOut, ["convtranspose_4 (ConvTranspose) is no matrix, kernel or norm of a plain tensor"]);
  const graph = await graphOf(parent);
  assert.ok(graph.operations.some(({ kind }) => kind.op === "conv" && kind.window !== undefined));
});

withPeers(test, "uneven windows and rows of tokens: planted permutations come back", async () => {
  const a = await open(windowsOnnx(1));
  const spec = await chooseSpec("auto", a);
  const { b, answer } = await plant(spec, a, createRng(7));
  const { permutations, report } = await matchActivations(a, b, spec, noise(60, [8, 8, 4], 3), {
    executor: onnx(),
  });
  // Units in groups are two factors of one axis.
  assert.equal(report.unseen, ["P0", "P1", "P2"]);
  const seen = new Map([...answer].filter(([name]) => !report.unseen.includes(name)));
  assert.is(firstDifference(new Map([...seen.keys()].map((name) => [name, permutations.get(name)!])), seen), null);
});

withPeers(test, "rows of images of several channels need their order; a named input takes it", async () => {
  const rows = mlpOnnx(1, [6]);
  const data = noise(12, [2, 4, 2], 5);
  const model = await open(rows);
  const evaluate = (given: Model) => evaluateModel(given, data, { executor: onnx() });
  await rejects(() => evaluate(model), RangeError, /takes rows, expected --layout nchw or nhwc/);
  const [first, last] = [
    await evaluate(withNetworkNotes(model, { input: "x", layout: "nchw" })),
    await evaluate(withNetworkNotes(model, { layout: "nhwc" })),
  ];
  assert.is.not(first.loss, last.loss);
  // TensorFlow.js flattens in the same orders.
  assert.ok(
    Math.abs(first.loss - (await evaluateModel(withNetworkNotes(model, { layout: "nchw" }), data)).loss) < 1e-5,
  );
  assert.ok(Math.abs(last.loss - (await evaluateModel(withNetworkNotes(model, { layout: "nhwc" }), data)).loss) < 1e-5);
});

withPeers(test, "a runner takes over other tensors, in the file's dtypes, and refuses other networks", async () => {
  const data = noise(9, VGG, 4);
  const [a, b] = [await open(twinOnnx(1, { odd: true })), await open(twinOnnx(2, { odd: true }))];
  const runner = createRunner(onnx());
  const images = new Map([["input", { shape: [9, ...VGG], data: data.read(0, 9) }]]);
  const logits = async (model: Model): Promise<Float32Array> => {
    const { network, graph } = await runner.load(model);
    return (await network.run(images, new Set([graph.output]))).get(graph.output)!.data;
  };
  const first = await logits(a);
  const second = await logits(b);
  assert.equal(await logits(a), first);
  assert.is.not(first.join(), second.join());
  const { network } = await runner.load(a);
  await rejects(() => network.load(memoryModel(new Map())), RangeError, /does not fit a\.onnx/);
  await rejects(
    () => network.run(images, new Set(["nowhere"])),
    RangeError,
    /value nowhere cannot be asked of a\.onnx/,
  );
  await rejects(() => network.run(new Map(), new Set()), RangeError, /inputs are none, expected input alone/);
  runner.dispose();
  runner.dispose();
});

withPeers(test, "refused: biases, for which the file's graph has no place", async () => {
  const net = onnxNetwork(1);
  const hidden = net.add("ThresholdedRelu", [net.add("MatMul", ["x", net.weight("a.weight", [16, 6])])], { alpha: 0 });
  const model = await open(net.bytes({ x: ["n", 16] }, [net.add("MatMul", [hidden, net.weight("b.weight", [6, 3])])]));
  const images = noise(12, [4, 4, 1], 3);
  for (const kind of ["repair", "least-squares"] as const)
    await rejects(
      () => repairModel(model, [model, model], images, { kind, addBias: true, executor: onnx() }),
      RangeError,
      /^a\.onnx is an ONNX file, whose graph takes no further tensors, expected no biases to be added: leave --add-bias out$/,
    );
});

const ODD: readonly (readonly [what: string, oddness: Oddness, size: Size, message: RegExp])[] = [
  ["images of another size", { odd: true }, [6, 6, 3], /its input x takes 3×8×8, read as nchw/],
  ["other channels", { odd: true, layout: "nhwc" }, [8, 8, 1], /its input x takes 8×8×3, read as nhwc/],
  ["an end in a sigmoid", { odd: true, end: "Sigmoid" }, VGG, /ends in a Sigmoid, expected logits/],
];
for (const [what, oddness, size, message] of ODD)
  withPeers(test, `refused: ${what}`, async () => {
    const model = await open(twinOnnx(1, oddness));
    await rejects(() => evaluateModel(model, noise(8, size, 4), { executor: onnx() }), RangeError, message);
  });

test.run();
