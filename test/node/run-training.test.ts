/** Training mode of networks: BatchNorm against plain loops, and gradients against differences. */

import * as tf from "@tensorflow/tfjs-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../src/base/rng.ts";
import type { Graph, OperationKind } from "../../src/graph/graph.ts";
import { startBackend } from "../../src/run/tfjs/backend.ts";
import { createNetwork, type TfNetwork } from "../../src/run/tfjs/network.ts";
import { type Tensors, toModel } from "../reference/networks.ts";
import { gaussianArray } from "../reference/random.ts";
import { RUN_CASES } from "../reference/run-cases.ts";

const test = suite("networks in training");
/** Tensors that other suites of the bundle hold. */
let others = 0;
test.before(async () => {
  await startBackend();
  others = tf.memory().numTensors;
});
const CHANNELS = 3;

/** BatchNorm of images or of their means, then a dense matrix. */
function normGraph(first: "norm" | "mean"): Graph {
  const norm: OperationKind = {
    op: "batch-norm",
    scale: "scale",
    shift: "shift",
    mean: "mean",
    variance: "variance",
    epsilon: 1e-5,
  };
  const kinds: OperationKind[] = [norm, { op: "global-mean" }];
  if (first === "mean") kinds.reverse();
  kinds.push({ op: "dense", weight: "weight", layout: "in-out" });
  const operations = kinds.map((kind, i) => ({ output: `v${i}`, inputs: [i === 0 ? "input" : `v${i - 1}`], kind }));
  return { operations, output: "v2" };
}

function normTensors(): Tensors {
  const rng = createRng(1);
  const vector = (): { shape: number[]; data: Float32Array } => ({
    shape: [CHANNELS],
    data: gaussianArray(CHANNELS, rng).map((value) => 0.5 + Math.abs(value)),
  });
  const names = ["scale", "shift", "mean", "variance"];
  const tensors: Tensors = new Map(names.map((name) => [name, vector()]));
  return tensors.set("weight", { shape: [CHANNELS, 2], data: gaussianArray(CHANNELS * 2, rng) });
}

/** Means over all rows, and the biased variance. */
function statistics(rows: readonly number[][]): { mean: number[]; variance: number[] } {
  const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const mean = Array.from({ length: CHANNELS }, (_, c) => average(rows.map((row) => row[c]!)));
  const variance = mean.map((m, c) => average(rows.map((row) => (row[c]! - m) ** 2)));
  return { mean, variance };
}

const near = (actual: ArrayLike<number>, expected: readonly number[], what: string): void =>
  expected.forEach((value, i) => {
    const error = Math.abs(actual[i]! - value);
    assert.ok(error <= 1e-5 * Math.max(1, Math.abs(value)), `${what} ${i} is ${actual[i]}, expected ${value}`);
  });

for (const first of ["norm", "mean"] as const) {
  test(`BatchNorm of ${first === "norm" ? "images" : "vectors"} takes the batch's statistics and moves the running ones`, async () => {
    const tensors = normTensors();
    const network = await createNetwork(toModel(tensors), { graph: normGraph(first) });
    const [batch, positions] = [4, 6];
    const running = { mean: [...tensors.get("mean")!.data], variance: [...tensors.get("variance")!.data] };
    for (const seed of [1, 2]) {
      const pixels = gaussianArray(batch * positions * CHANNELS, createRng(seed), 2);
      const cell = (row: number): number[] => [...pixels.subarray(row * CHANNELS, (row + 1) * CHANNELS)];
      const cells = Array.from({ length: batch * positions }, (_, row) => cell(row));
      const meanOf = (image: number): number[] =>
        statistics(cells.slice(image * positions, (image + 1) * positions)).mean;
      const means = Array.from({ length: batch }, (_, image) => meanOf(image));
      const { mean, variance } = statistics(first === "norm" ? cells : means);
      const count = first === "norm" ? cells.length : batch;
      // The mean over positions of what is normalised is the mean, normalised.
      const { scale, shift, weight } = Object.fromEntries([...tensors].map(([name, { data }]) => [name, data]));
      const expected = means.flatMap((row) => {
        const values = row.map((v, c) => ((v - mean[c]!) / Math.sqrt(variance[c]! + 1e-5)) * scale![c]! + shift![c]!);
        return [0, 1].map((o) => values.reduce((sum, v, c) => sum + v * weight![c * 2 + o]!, 0));
      });
      const logits = tf.tidy(() =>
        network.runTraining(tf.tensor4d(pixels, [batch, 2, 3, CHANNELS])).dataSync<"float32">(),
      );
      near(logits, expected, "logit");
      running.mean = running.mean.map((m, c) => 0.9 * m + 0.1 * mean[c]!);
      running.variance = running.variance.map((v, c) => 0.9 * v + (0.1 * variance[c]! * count) / (count - 1));
      near(await network.variables.get("mean")!.data(), running.mean, "running mean");
      near(await network.variables.get("variance")!.data(), running.variance, "running variance");
    }
    const evaluated = tf.tidy(() => network.run(tf.zeros([1, 1, 1, CHANNELS])).logits.dataSync<"float32">());
    const { scale, shift, weight } = Object.fromEntries([...tensors].map(([name, { data }]) => [name, data]));
    const values = running.mean.map((m, c) => (-m / Math.sqrt(running.variance[c]! + 1e-5)) * scale![c]! + shift![c]!);
    near(evaluated, [0, 1].map((o) => values.reduce((sum, v, c) => sum + v * weight![c * 2 + o]!, 0)), "evaluated"); // biome-ignore format: one line
    assert.throws(
      () => tf.tidy(() => network.runTraining(tf.zeros([1, 1, 1, CHANNELS]))),
      /^mean is updated from 1 value a channel, expected at least two$/,
    );
    network.dispose();
    assert.is(tf.memory().numTensors, others);
  });
}

/** Mean cross-entropy in training, as a scalar. */
function trainingLoss(network: TfNetwork, images: tf.Tensor4D, labels: tf.Tensor2D): tf.Scalar {
  const logits = network.runTraining(images);
  return tf.neg(tf.mean(tf.sum(tf.mul(labels, tf.logSoftmax(logits)), -1))) as tf.Scalar;
}

for (const [name, build] of RUN_CASES) {
  test(`${name}: every trainable tensor has a gradient, which is the slope of the loss`, async () => {
    const { tensors, side } = build();
    const network = await createNetwork(toModel(tensors));
    const variables = [...network.variables].filter(([, variable]) => variable.trainable);
    const statistic = /running_|mean|var/;
    for (const [tensor, { trainable }] of network.variables) assert.is(trainable, !statistic.test(tensor), tensor);
    const batch = 6;
    const images = tf.tensor4d(gaussianArray(batch * side * side, createRng(3)), [batch, side, side, 1]);
    const labels = tf.oneHot(tf.tensor1d([0, 1, 2, 3, 0, 1], "int32"), 4) as tf.Tensor2D;
    const loss = (): number => tf.tidy(() => trainingLoss(network, images, labels).dataSync()[0]!);
    const list = variables.map(([, variable]) => variable);
    const { grads } = tf.tidy(() => tf.variableGrads(() => trainingLoss(network, images, labels), list));
    let slope = 0;
    for (const [tensor, variable] of variables) {
      const gradient = grads[variable.name]!;
      assert.equal(gradient.shape, variable.shape, tensor);
      const values = await gradient.data<"float32">();
      assert.ok(values.every(Number.isFinite), `${tensor} has a gradient that is not finite`);
      slope += values.reduce((sum, value) => sum + value * value, 0);
    }
    // Along the gradient the loss rises by its squared norm.
    const step = 1e-3 / Math.sqrt(slope);
    const move = (by: number): void => {
      for (const variable of list) variable.assign(tf.tidy(() => tf.add(variable, tf.mul(grads[variable.name]!, by))));
    };
    tf.tidy(() => move(step));
    const above = loss();
    tf.tidy(() => move(-2 * step));
    const measured = (above - loss()) / (2 * step);
    assert.ok(Math.abs(measured / slope - 1) < 0.05, `slope ${measured}, expected ${slope}`);
    tf.dispose([images, labels, ...Object.values(grads)]);
    network.dispose();
  });
}

test("without BatchNorm, training computes what evaluation computes, to the bit", async () => {
  const { tensors, side } = RUN_CASES.get("resnet of odd side")!();
  const network = await createNetwork(toModel(tensors));
  const [trained, evaluated] = tf.tidy(() => {
    const images = tf.tensor4d(gaussianArray(2 * side * side, createRng(3)), [2, side, side, 1]);
    return [network.runTraining(images).dataSync(), network.run(images).logits.dataSync()];
  });
  network.dispose();
  assert.equal([...trained!], [...evaluated!]);
});

test.run();
