/** A model through a network and back: bits, dtypes, and what the graph does not read. */

import * as tf from "@tensorflow/tfjs-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { elementBytes } from "../../src/base/dtype.ts";
import { memoryModel, type TensorData } from "../../src/base/memory-model.ts";
import { elementCount, type Model } from "../../src/base/model.ts";
import { createRng } from "../../src/base/rng.ts";
import { startBackend } from "../../src/run/tfjs/backend.ts";
import { createNetwork } from "../../src/run/tfjs/network.ts";
import { rejects, sameBytes } from "../reference/expect-error.ts";
import { type Tensors, toModel } from "../reference/networks.ts";
import { RUN_CASES } from "../reference/run-cases.ts";

const test = suite("models through networks");
/** Tensors that other suites of the bundle hold. */
let others = 0;
test.before(async () => {
  await startBackend();
  others = tf.memory().numTensors;
});

async function sameModel(actual: Model, expected: Model): Promise<void> {
  assert.equal([...actual.tensors], [...expected.tensors]);
  for (const name of expected.tensors.keys()) sameBytes(await actual.read(name), await expected.read(name), name);
}

for (const [name, build] of RUN_CASES) {
  test(`${name} comes back bit for bit, NaN and −0 as well`, async () => {
    const { tensors } = build();
    for (const { data } of tensors.values())
      new Uint32Array(data.buffer).set([0x7fa12345, 0x80000000, 1].slice(0, data.length));
    const model: Model = { ...toModel(tensors, "first"), metadata: new Map([["format", "pt"]]) };
    const network = await createNetwork(model);
    const back = await network.toModel();
    await sameModel(back, model);
    assert.is(back.name, "first");
    assert.equal([...back.metadata], [["format", "pt"]]);
    network.dispose();
    assert.is(tf.memory().numTensors, others);
  });
}

for (const dtype of ["F16", "BF16", "F64", "F8_E4M3", "F8_E5M2"] as const) {
  test(`${dtype} computes in f32 and comes back as ${dtype}`, async () => {
    const rng = createRng(2);
    const float = (shape: number[]): TensorData => {
      const count = elementCount(shape);
      // Positive numbers that f32 holds exactly.
      if (dtype === "F64") {
        const data = Float64Array.from({ length: count }, () => Math.fround(rng.uniform()));
        return { dtype, shape, data: new Uint8Array(data.buffer) };
      }
      const data = Uint8Array.from({ length: count * elementBytes(dtype) }, () => rng.below(100));
      return { dtype, shape, data };
    };
    const model = memoryModel(
      new Map([
        ["layers.0.weight", float([5, 4])],
        ["layers.0.bias", float([5])],
        ["layers.1.weight", float([3, 5])],
      ]),
    );
    const network = await createNetwork(model);
    const values = await network.variables.get("layers.0.weight")!.data();
    assert.ok(values.every((value) => Number.isFinite(value) && value >= 0) && values.some((value) => value > 0));
    await sameModel(await network.toModel(), model);
    network.dispose();
  });
}

test("counters stay as they are, and come from what was loaded last", async () => {
  const { tensors } = RUN_CASES.get("vgg")!();
  const counted = (count: bigint, name: string, by: number): Model => {
    const scaled: Tensors = new Map(
      [...tensors].map(([key, { shape, data }]) => [key, { shape, data: data.map((v) => v * by) }]),
    );
    const contents = new Map<string, TensorData>();
    const plain = toModel(scaled);
    for (const [key, info] of plain.tensors) {
      const { data } = scaled.get(key)!;
      contents.set(key, { ...info, data: new Uint8Array(data.buffer) });
    }
    const data = new Uint8Array(BigInt64Array.of(count).buffer);
    contents.set("features.1.num_batches_tracked", { dtype: "I64", shape: [], data });
    return memoryModel(contents, { name });
  };
  const [first, second] = [counted(7n, "first", 1), counted(9n, "second", 2)];
  const network = await createNetwork(first);
  await sameModel(await network.toModel(), first);
  const images = tf.zeros<tf.Rank.R4>([1, 9, 9, 1]);
  const logitsOf = (): number[] => tf.tidy(() => [...network.run(images).logits.dataSync()]);
  const before = logitsOf();
  const count = tf.memory().numTensors;
  await network.load(second);
  assert.is(tf.memory().numTensors, count);
  assert.is(network.name, "second");
  await sameModel(await network.toModel(), second);
  assert.not.equal(logitsOf(), before);
  await network.load(first);
  assert.equal(logitsOf(), before);
  images.dispose();
  network.dispose();
  assert.is(tf.memory().numTensors, others);
});

test("loading what does not fit is refused and changes nothing", async () => {
  const { tensors } = RUN_CASES.get("mlp")!();
  const network = await createNetwork(toModel(tensors, "ours"));
  const count = tf.memory().numTensors;
  const other: Tensors = new Map([...tensors].slice(1));
  await rejects(
    () => network.load(toModel(other, "theirs")),
    RangeError,
    /^theirs does not fit ours: layers\.0\.weight is missing/,
  );
  const full = toModel(tensors, "theirs");
  const failing: Model = {
    ...full,
    read: (name) => (name === "layers.2.bias" ? Promise.reject(new RangeError("gone")) : full.read("layers.0.weight")),
  };
  await rejects(() => network.load(failing), Error, /./);
  assert.is(tf.memory().numTensors, count);
  await sameModel(await network.toModel(), toModel(tensors));
  network.dispose();
});

test.run();
