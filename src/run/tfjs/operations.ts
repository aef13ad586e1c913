/** What each kind of operation computes, on TensorFlow.js. All have gradients there. */

import * as tf from "@tensorflow/tfjs-core";
import type { OperationKind } from "../../graph/graph.ts";
import { poolIsLeftOut } from "../../graph/value-shapes.ts";

/** Share of the batch's statistics in the running ones: PyTorch's default. */
const MOMENTUM = 0.1;

/** What an operation may look up and change. */
export interface Surroundings {
  /** The tensor of that name, in TensorFlow's layout. */
  tensor(name: string): tf.Variable;
  /** BatchNorm takes the batch's statistics and updates the running ones. */
  readonly training: boolean;
  /** In training: gets each BatchNorm's batch statistics (the variance unbiased) instead of the running ones. */
  readonly observe?: ((kind: BatchNorm, mean: tf.Tensor, variance: tf.Tensor) => void) | undefined;
}

/** Runs one operation. Its intermediate values are for the caller's tidy. */
export function runOperation(kind: OperationKind, inputs: readonly tf.Tensor[], around: Surroundings): tf.Tensor {
  const [x] = inputs as [tf.Tensor];
  const optional = (name: string | undefined): tf.Tensor | undefined =>
    name === undefined ? undefined : around.tensor(name);
  switch (kind.op) {
    case "dense":
      return plus(
        tf.matMul(x as tf.Tensor2D, around.tensor(kind.weight) as unknown as tf.Tensor2D),
        optional(kind.bias),
      );
    case "conv": {
      const weight = around.tensor(kind.weight) as unknown as tf.Tensor4D;
      return plus(tf.conv2d(x as tf.Tensor4D, weight, kind.stride, kind.padding), optional(kind.bias));
    }
    case "batch-norm":
      return around.training ? batchNormTraining(kind, x, around) : batchNorm(kind, x, around);
    case "layer-norm":
      return affine(layerNorm(x, kind.epsilon), optional(kind.scale), optional(kind.shift));
    case "relu":
      return tf.relu(x);
    case "gelu":
      // TensorFlow.js has erf to 1.5e-7 (Abramowitz and Stegun, 7.1.26).
      return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
    case "tanh":
      return tf.tanh(x);
    case "silu":
      return tf.mul(x, tf.sigmoid(x));
    case "max-pool":
      if (poolIsLeftOut(kind, x.shape.slice(1))) return tf.clone(x);
      return tf.maxPool(x as tf.Tensor4D, kind.size, kind.stride, kind.padding ?? "valid");
    case "global-mean":
      return tf.mean(x, [1, 2]);
    case "flatten":
      return tf.reshape(kind.order === "channel-major" ? channelsFirst(x) : x, [x.shape[0]!, -1]);
    case "add":
      return tf.addN([...inputs]);
    case "other":
      throw new RangeError(`${kind.kind} is no operation here, expected the runtime of its file to run it`);
  }
}

/** Over the last axis, without scale and shift. */
function layerNorm(x: tf.Tensor, epsilon: number): tf.Tensor {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return normalise(centred, variance, epsilon);
}

function plus(x: tf.Tensor, bias: tf.Tensor | undefined): tf.Tensor {
  return bias === undefined ? x : tf.add(x, bias);
}

/** Where either order is the same, nothing moves. */
function channelsFirst(x: tf.Tensor): tf.Tensor {
  const [, height, width, channels] = x.shape;
  return x.rank !== 4 || channels === 1 || height! * width! === 1 ? x : tf.transpose(x, [0, 3, 1, 2]);
}

function normalise(centred: tf.Tensor, variance: tf.Tensor, epsilon: number): tf.Tensor {
  return tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon)));
}

function affine(x: tf.Tensor, scale: tf.Tensor | undefined, shift: tf.Tensor | undefined): tf.Tensor {
  return plus(scale === undefined ? x : tf.mul(x, scale), shift);
}

export type BatchNorm = Extract<OperationKind, { op: "batch-norm" }>;

function batchNorm(kind: BatchNorm, x: tf.Tensor, { tensor }: Surroundings): tf.Tensor {
  const [mean, variance] = [tensor(kind.mean), tensor(kind.variance)] as unknown as tf.Tensor1D[];
  const [scale, shift] = [kind.scale, kind.shift].map((name) =>
    name === undefined ? undefined : (tensor(name) as unknown as tf.Tensor1D),
  );
  return tf.batchNorm(x as tf.Tensor4D, mean!, variance!, shift, scale, kind.epsilon);
}

/** Normalises by the biased variance and keeps the unbiased one, as PyTorch does. */
function batchNormTraining(kind: BatchNorm, x: tf.Tensor, { tensor, observe }: Surroundings): tf.Tensor {
  const count = x.size / x.shape.at(-1)!;
  if (count < 2) throw new RangeError(`${kind.mean} is updated from ${count} value a channel, expected at least two`);
  const mean = channelMean(x);
  const centred = tf.sub(x, mean);
  const variance = channelMean(tf.square(centred));
  const unbiased = tf.mul(variance, count / (count - 1));
  if (observe !== undefined) observe(kind, mean, unbiased);
  else {
    track(tensor(kind.mean), mean);
    track(tensor(kind.variance), unbiased);
  }
  const [scale, shift] = [kind.scale, kind.shift].map((name) => (name === undefined ? undefined : tensor(name)));
  return affine(normalise(centred, variance, kind.epsilon), scale, shift);
}

/** Mean of every channel: over the positions of each image first, since long f32 sums are coarse. */
function channelMean(x: tf.Tensor): tf.Tensor {
  return tf.mean(x.rank === 4 ? tf.mean(x, [1, 2]) : x, 0);
}

function track(running: tf.Variable, batch: tf.Tensor): void {
  running.assign(tf.add(tf.mul(running, 1 - MOMENTUM), tf.mul(batch, MOMENTUM)));
}
