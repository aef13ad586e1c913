/** Networks on TensorFlow.js: against plain loops, and against the known figures of the embedded checkpoints. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Model } from "../../src/base/model.ts";
import { createRng } from "../../src/base/rng.ts";
import { createDataset } from "../../src/data/create-dataset.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { readIdxImages } from "../../src/data/idx.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import type { EvaluateOptions } from "../../src/run/evaluate.ts";
import { evaluateModel } from "../../src/run/models/evaluate-model.ts";
import { startBackend } from "../../src/run/tfjs/backend.ts";
import { evaluateNetwork, predict } from "../../src/run/tfjs/evaluate.ts";
import { createNetwork } from "../../src/run/tfjs/network.ts";
import { rejects } from "../reference/expect-error.ts";
import { vggNetwork } from "../reference/image-networks.ts";
import { mlpNetwork, type Tensors, toModel } from "../reference/networks.ts";
import { RUN_CASES } from "../reference/run-cases.ts";
import { randomTask } from "../reference/run-tasks.ts";

declare const __ROOT__: string;

const test = suite("networks that run");
/** Tensors that other suites of the bundle hold. */
let others = 0;
test.before(async () => {
  await startBackend();
  others = tf.memory().numTensors;
});
const fixture = (name: string): string => join(__ROOT__, "test/fixtures", name);
const near = (actual: number, expected: number, tolerance: number, what = "value"): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what} ${actual}, expected ${expected} within ${tolerance}`);

function slice(): Promise<Dataset> {
  const [images, labels] = ["t10k-images-1000-idx3-ubyte.gz", "t10k-labels-1000-idx1-ubyte.gz"].map((name) => ({
    name,
    bytes: new Uint8Array(readFileSync(fixture(name))),
  }));
  return Promise.resolve(readIdxImages(images!, labels!, { name: "slice" }));
}

for (const [name, build] of RUN_CASES) {
  test(`${name} computes what plain loops compute`, async () => {
    const reference = build();
    const task = randomTask(reference, 7, 4);
    const network = await createNetwork(toModel(reference.tensors));
    try {
      const { logits, classes } = await predict(network, task.data, { batch: 3 });
      assert.is(classes, 4);
      const scale = Math.max(...task.logits.flatMap((row) => [...row].map(Math.abs)));
      task.logits.forEach((row, i) => {
        row.forEach((value, c) => {
          near(logits[i * 4 + c]!, value, 2e-5 * scale, `image ${i} logit ${c}`);
        });
      });
      const { loss, accuracy } = await evaluateNetwork(network, task.data, { batch: 5 });
      near(loss, task.loss, 1e-4 * Math.max(1, task.loss), "loss");
      assert.is(accuracy, task.accuracy);
    } finally {
      network.dispose();
    }
    assert.is(tf.memory().numTensors, others);
  });
}

test("images in colour are flattened channel-major for PyTorch's matrices, channel-minor for Flax's", async () => {
  const { tensors, forward } = mlpNetwork(createRng(6), [12, 5, 3]); // 2×2 pixels of 3 channels
  const minor = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i));
  const major = Float64Array.from({ length: 12 }, (_, i) => minor[(i % 4) * 3 + Math.floor(i / 4)]!);
  const data = createDataset({
    name: "colour",
    height: 2,
    width: 2,
    channels: 3,
    pixels: minor,
    labels: new Uint8Array(1),
  });
  const network = await createNetwork(toModel(tensors));
  const { logits } = await predict(network, data);
  network.dispose();
  forward(tensors, major).forEach((value, c) => {
    near(logits[c]!, value, 1e-5);
  });
});

test("the embedded checkpoints have their known loss and accuracy, in any batches, and leave nothing allocated", async () => {
  const data = await slice();
  const known = { a: { loss: 0.2961, accuracy: 0.897 }, b: { loss: 0.3089, accuracy: 0.906 } };
  for (const [which, { loss, accuracy }] of Object.entries(known)) {
    const model = await openModelFile(fixture(`fmnist-mlp-small-${which}.safetensors`));
    for (const batch of [250, 333, 1000]) {
      const result = await evaluateModel(model, data, { batch });
      near(result.loss, loss, 5e-5);
      assert.is(result.accuracy, accuracy);
      assert.is(tf.memory().numTensors, others);
    }
    await model.close?.();
  }
});

test("kept values are those between, and what nobody kept is freed", async () => {
  const { tensors, forward } = mlpNetwork(createRng(6), [4, 5, 3]);
  const network = await createNetwork(toModel(tensors));
  const before = tf.memory().numTensors;
  const images = tf.tensor4d([1, -2, 3, 4], [1, 2, 2, 1]);
  const { logits, values } = network.run(images, new Set(["layers.0.relu", "layers.1"]));
  assert.equal([...values.keys()], ["layers.0.relu", "layers.1"]);
  assert.equal([...(await values.get("layers.1")!.data())], [...(await logits.data())]);
  assert.ok((await values.get("layers.0.relu")!.data()).every((value) => value >= 0));
  near((await logits.data())[0]!, forward(tensors, Float64Array.of(1, -2, 3, 4))[0]!, 1e-5);
  assert.is(tf.memory().numTensors, before + 4);
  tf.dispose([images, logits, ...values.values()]);
  assert.throws(
    () => tf.tidy(() => network.run(tf.zeros([1, 2, 2, 1]), new Set(["other"])).logits),
    /^value other is unknown/,
  );
  assert.is(tf.memory().numTensors, before);
  network.dispose();
  network.dispose();
  assert.is(tf.memory().numTensors, others);
});

test("memory is that of the largest operations, not of the whole network", async () => {
  const deep = vggNetwork(createRng(1), { norm: "none", plan: [8, 8, 8, 8, 8, 8, 8, 8], side: 8 });
  const network = await createNetwork(toModel(deep.tensors));
  const images = tf.zeros<tf.Rank.R4>([64, 8, 8, 1]);
  const feature = 4 * 64 * 8 * 8 * 8;
  const before = tf.memory().numBytes;
  let peak = 0;
  const kernels = tf.getKernel("Relu", "wasm")!;
  tf.unregisterKernel("Relu", "wasm");
  tf.registerKernel({
    ...kernels,
    kernelFunc: (given) => {
      const result = kernels.kernelFunc(given);
      peak = Math.max(peak, tf.memory().numBytes - before);
      return result;
    },
  });
  try {
    tf.dispose(network.run(images).logits);
  } finally {
    tf.unregisterKernel("Relu", "wasm");
    tf.registerKernel(kernels);
  }
  assert.ok(peak > 0 && peak <= 3 * feature, `${peak} bytes at most, expected no more than three of ${feature}`);
  images.dispose();
  network.dispose();
});

test("progress counts images, and an aborted signal stops with its reason", async () => {
  const { tensors } = mlpNetwork(createRng(7), [4, 3, 2]);
  const pixels = new Float32Array(4 * 7);
  const data = createDataset({ name: "zeros", height: 2, width: 2, channels: 1, pixels, labels: new Uint8Array(7) });
  const seen: (number | undefined)[][] = [];
  const onProgress: EvaluateOptions["onProgress"] = ({ stage, done, total }) => {
    assert.is(stage, "evaluate");
    seen.push([done, total]);
  };
  await evaluateModel(toModel(tensors), data, { batch: 3, onProgress: onProgress! });
  assert.equal(seen, [[2, 7], [4, 7], [7, 7]]); // biome-ignore format: a table
  const reason = new Error("enough");
  const controller = new AbortController();
  const run = evaluateModel(toModel(tensors), data, {
    batch: 1,
    signal: controller.signal,
    onProgress: ({ done }) => done === 2 && controller.abort(reason),
  });
  await rejects(() => run, Error, /^enough$/);
  assert.is(tf.memory().numTensors, others);
});

test("models and data that do not fit are refused, and leave nothing allocated", async () => {
  const { tensors } = mlpNetwork(createRng(7), [4, 3, 2]);
  const images = (side: number, channels: number, labels = new Uint8Array(1), name = "photos"): Dataset =>
    createDataset({
      name,
      height: side,
      width: side,
      channels,
      pixels: new Float32Array(labels.length * side * side * channels),
      labels,
    });
  const refuses = (changed: Tensors | Model, data: Dataset, message: RegExp, options: EvaluateOptions = {}) =>
    rejects(
      () => evaluateModel(changed instanceof Map ? toModel(changed) : changed, data, options),
      RangeError,
      message,
    );
  await refuses(tensors, images(2, 1, new Uint8Array(0)), /^photos has 0 images, expected some$/);
  await refuses(
    tensors,
    images(2, 1, new Uint8Array([0, 2])),
    /^photos has label 2 at image 1 \(3 classes\), expected less than the 2 classes of model$/,
  );
  await refuses(
    tensors,
    images(4, 1),
    /^photos has images of 4×4×1, which model cannot take: layers\.0 is given 16 values, expected 4 .*--input-size 2\)$/,
  );
  await refuses(tensors, images(3, 1), /expected 4 values as layers\.0\.weight reads$/);
  const vgg = vggNetwork(createRng(1)).tensors;
  await refuses(
    vgg,
    images(2, 1),
    /^photos has images of 2×2×1, which model cannot take: classifier\.1 is given 5 values, expected 80/,
  );
  await refuses(vgg, images(27, 1), /is given 180 values, expected 80 .*--input-size 9\)$/);
  await refuses(vgg, images(9, 3), /features\.0 is given 9×9×3, expected images of 1 channels/);
  await refuses(tensors, images(2, 1), /^batch 0, expected a positive integer$/, { batch: 0 });
  const strange: Tensors = new Map([["mystery", { shape: [1], data: new Float32Array(1) }]]);
  await refuses(
    strange,
    images(2, 1),
    /^model has tensors of no network known here, expected an MLP, a VGG or a ResNet/,
  );
  const incomplete: Tensors = new Map([...tensors].filter(([name]) => name !== "layers.1.weight"));
  await refuses(incomplete, images(2, 1), /^model has tensors of no network known here/);
  const failing: Model = { ...toModel(tensors), read: (name) => name === "layers.1.bias" ? Promise.reject(new RangeError("gone")) : toModel(tensors).read(name) }; // biome-ignore format: short
  await refuses(failing, images(2, 1), /^gone$/);
  assert.is(tf.memory().numTensors, others);
});

test("a graph of one's own is checked against the tensors", async () => {
  const model = toModel(mlpNetwork(createRng(7), [4, 3, 2]).tensors);
  const dense = (weight: string, input: string, output: string) =>
    ({ output, inputs: [input], kind: { op: "dense", weight, layout: "out-in" } }) as const;
  const flatten = { output: "flat", inputs: ["input"], kind: { op: "flatten", order: "channel-major" } } as const;
  const refuses = (message: RegExp, ...operations: Parameters<typeof Array.of<ReturnType<typeof dense>>>) =>
    rejects(
      () => createNetwork(model, { graph: { operations: [flatten, ...operations], output: "logits" } }),
      RangeError,
      message,
    );
  await refuses(/^model tensor other is missing, expected it in this network$/, dense("other", "flat", "logits"));
  await refuses(
    /^model tensor layers\.0\.bias is F32 \[3\], expected floats of rank 2$/,
    dense("layers.0.bias", "flat", "logits"),
  );
  await refuses(
    /^model has 3 tensors the network does not read \(layers\.0\.bias, layers\.1\.weight, layers\.1\.bias\), expected none$/,
    dense("layers.0.weight", "flat", "logits"),
  );
  assert.is(tf.memory().numTensors, others);
});

test.run();
