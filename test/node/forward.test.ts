/** Forward passes on TensorFlow.js: against plain loops, and against the known figures of the embedded checkpoints. */

import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readLabelled } from "../../scripts/lib/data.ts";
import { decodeHalf, readFloatTensors } from "../../scripts/lib/decode.ts";
import { evaluate } from "../../scripts/lib/forward/evaluate.ts";
import { memoryModel } from "../../src/io/memory-model.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { createRng } from "../../src/rng.ts";
import { rejects } from "../reference/expect-error.ts";
import { type ImageNetwork, resnetNetwork, vggNetwork } from "../reference/image-networks.ts";
import { mlpNetwork, type Tensors, toModel } from "../reference/networks.ts";
import { decode, F16 } from "../reference/small-floats.ts";

declare const __ROOT__: string;

const test = suite("forward passes");
const fixture = (name: string): string => join(__ROOT__, "test/fixtures", name);
const slice = () => readLabelled(fixture("t10k-images-1000-idx3-ubyte.gz"), fixture("t10k-labels-1000-idx1-ubyte.gz"));
const near = (actual: number, expected: number, tolerance: number): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, expected ${expected} within ${tolerance}`);

/** Loss and accuracy from logits, by the definition. */
function expected(logits: readonly Float64Array[], labels: Uint8Array): { loss: number; accuracy: number } {
  let loss = 0;
  let right = 0;
  logits.forEach((row, i) => {
    const exponentials = row.map(Math.exp);
    loss -= Math.log(exponentials[labels[i]!]! / exponentials.reduce((a, b) => a + b));
    if (row.indexOf(Math.max(...row)) === labels[i]) right++;
  });
  return { loss: loss / logits.length, accuracy: right / logits.length };
}

/** `count` random images and labels, and what `network` makes of them. */
function randomTask({ side, logits }: Pick<ImageNetwork, "side" | "logits">, count: number, classes: number) {
  const rng = createRng(5);
  const pixels = Float32Array.from({ length: count * side * side }, () => rng.uniform());
  const labels = Uint8Array.from({ length: count }, () => rng.below(classes));
  const rows = Array.from({ length: count }, (_, i) => logits(pixels.subarray(i * side * side, (i + 1) * side * side)));
  return { images: { count, height: side, width: side, pixels }, labels, expected: expected(rows, labels) };
}

const REFERENCES: Record<string, ImageNetwork> = {
  vgg: vggNetwork(createRng(1), false),
  "vgg with a pool after the last convolution": vggNetwork(createRng(2), true),
  "resnet of even side": resnetNetwork(createRng(3), 14),
  "resnet of odd side": resnetNetwork(createRng(4), 7),
};

for (const [name, network] of Object.entries(REFERENCES)) {
  test(`${name} computes what plain loops compute`, async () => {
    const task = randomTask(network, 12, 4);
    const result = await evaluate(toModel(network.tensors), task.images, task.labels, 5);
    near(result.loss, task.expected.loss, 1e-5 * Math.max(1, task.expected.loss));
    assert.is(result.accuracy, task.expected.accuracy);
  });
}

test("an MLP computes what plain loops compute", async () => {
  const network = mlpNetwork(createRng(6), [9, 12, 7, 5]);
  const logits = (pixels: ArrayLike<number>) => network.forward(network.tensors, Float64Array.from(pixels));
  const task = randomTask({ side: 3, logits }, 20, 5);
  const result = await evaluate(toModel(network.tensors), task.images, task.labels);
  near(result.loss, task.expected.loss, 1e-5);
  assert.is(result.accuracy, task.expected.accuracy);
});

test("the embedded checkpoints have their known loss and accuracy, in any batches, and leave nothing allocated", async () => {
  const { images, labels } = slice();
  const known = { a: { loss: 0.2961, accuracy: 0.897 }, b: { loss: 0.3089, accuracy: 0.906 } };
  for (const [which, { loss, accuracy }] of Object.entries(known)) {
    const model = await openModelFile(fixture(`fmnist-mlp-small-${which}.safetensors`));
    for (const batch of [250, 333, 1000]) {
      const result = await evaluate(model, images, labels, batch);
      near(result.loss, loss, 5e-5);
      assert.is(result.accuracy, accuracy);
      assert.is(tf.memory().numTensors, 0);
    }
    await model.close?.();
  }
});

test("halves decode as by the table of all values", () => {
  for (let code = 0; code < 65536; code++) {
    const [actual, want] = [decodeHalf(code), decode(F16, code)];
    assert.ok(Object.is(actual, want), `code ${code} is ${actual}, expected ${want}`);
  }
});

test("bfloat16, float32 and float64 are read, integers left out, 8-bit floats refused", async () => {
  const data = (values: ArrayBufferView): Uint8Array => new Uint8Array(values.buffer);
  const tensors = new Map([
    ["bf16", { dtype: "BF16", shape: [2], data: data(new Uint16Array([0x3fc0, 0xc040])) }],
    ["f32", { dtype: "F32", shape: [2], data: data(new Float32Array([1.5, -3])) }],
    ["f64", { dtype: "F64", shape: [2], data: data(new Float64Array([1.5, -3])) }],
    ["counter", { dtype: "I64", shape: [], data: data(new BigInt64Array([3n])) }],
  ] as const);
  const read = await readFloatTensors(memoryModel(tensors));
  assert.equal([...read.keys()], ["bf16", "f32", "f64"]);
  for (const { values } of read.values()) assert.equal([...values], [1.5, -3]);
  const small = memoryModel(new Map([["w", { dtype: "F8_E5M2", shape: [1], data: new Uint8Array(1) }]]), {});
  await rejects(
    () => readFloatTensors(small),
    RangeError,
    /^tensor w is F8_E5M2, expected one of F16, BF16, F32, F64$/,
  );
});

test("models and data that do not fit are refused, and leave nothing allocated", async () => {
  const { tensors } = mlpNetwork(createRng(7), [4, 3, 2]);
  const images = { count: 2, height: 2, width: 2, pixels: new Float32Array(8) };
  const labels = new Uint8Array(2);
  const attempt =
    (changed: Tensors, ...given: [typeof images, Uint8Array]) =>
    () =>
      evaluate(toModel(changed), ...given);
  await rejects(attempt(tensors, images, new Uint8Array(3)), RangeError, /^3 labels for 2 images, expected one each$/);
  await rejects(
    attempt(tensors, images, new Uint8Array([0, 2])),
    RangeError,
    /^label 2, expected less than the 2 classes of model$/,
  );
  const strange: Tensors = new Map([["mystery", { shape: [1], data: new Float32Array(1) }]]);
  await rejects(attempt(strange, images, labels), RangeError, /^model has tensors of no network known here, expected/);
  const incomplete: Tensors = new Map([...tensors].filter(([name]) => name !== "layers.1.bias"));
  await rejects(
    attempt(incomplete, images, labels),
    RangeError,
    /^tensor layers\.1\.bias is missing, expected it in this network$/,
  );
  const resnet = REFERENCES["resnet of odd side"]!.tensors;
  const extra: Tensors = new Map([...resnet, ["layer1.0.conv3.weight", { shape: [1], data: new Float32Array(1) }]]);
  await rejects(
    attempt(extra, images, labels),
    RangeError,
    /^model has 1 tensors the network does not read \(layer1\.0\.conv3\.weight\)/,
  );
  const vgg = REFERENCES.vgg!.tensors;
  await rejects(attempt(vgg, images, labels), RangeError, /^features of 2×2 images have 5 values, expected 80$/);
  assert.is(tf.memory().numTensors, 0);
});

test.run();
