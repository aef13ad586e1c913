/**
 * VGG with BatchNorm, as torchvision's `Sequential` numbers it: `features.N` a 3×3 convolution (padding 1),
 * `features.N+1` its BatchNorm, N+2 the ReLU, and N+3 either the next convolution or a 2×2 max pool. Modules without
 * tensors leave gaps in the numbers, and that is how the pools are found. `classifier.*` is dense, ReLU between.
 */

import * as tf from "@tensorflow/tfjs-core";
import { buildDenseStack } from "./mlp.ts";
import type { Network } from "./network.ts";
import type { Weights } from "./weights.ts";

const BATCH_NORM_EPSILON = 1e-5; // PyTorch's default
const MODULES_BETWEEN_CONVS = 3; // convolution, norm, ReLU

/** Where the convolutions and dense tensors sit. */
export interface VggPlan {
  readonly convs: readonly { readonly index: number; readonly pooled: boolean }[];
  readonly dense: readonly string[];
  /** Length of the flattened features that `classifier` reads. */
  readonly flat: number;
}

/** Sorted N of all `PREFIX.N.weight` with `rank` axes. */
function indicesOf(weights: Weights, prefix: string, rank: number): number[] {
  return weights.names
    .map((name) => new RegExp(`^${prefix}\\.(\\d+)\\.weight$`).exec(name))
    .filter((match) => match !== null && weights.shape(match[0]).length === rank)
    .map((match) => Number(match![1]))
    .sort((a, b) => a - b);
}

/** The plan of a VGG with BatchNorm, or undefined when the names are not those of one. */
export function findVgg(weights: Weights): VggPlan | undefined {
  const indices = indicesOf(weights, "features", 4);
  const dense = indicesOf(weights, "classifier", 2).map((index) => `classifier.${index}`);
  if (indices.length === 0 || dense.length === 0) return undefined;
  if (!indices.every((index) => weights.has(`features.${index + 1}.running_mean`))) return undefined;
  const convs = indices.map((index, i) => ({
    index,
    pooled: (indices[i + 1] ?? index) - index > MODULES_BETWEEN_CONVS,
  }));
  return { convs, dense, flat: weights.shape(`${dense[0]}.weight`)[1]! };
}

/** Convolution, BatchNorm with running statistics, ReLU, and the pool if there is one. */
function buildBlock(weights: Weights, index: number, pooled: boolean): (x: tf.Tensor4D) => tf.Tensor4D {
  const [conv, norm] = [`features.${index}`, `features.${index + 1}`];
  const kernel = weights.conv(`${conv}.weight`);
  const bias = weights.vector(`${conv}.bias`);
  const mean = weights.vector(`${norm}.running_mean`);
  const variance = weights.vector(`${norm}.running_var`);
  const scale = weights.vector(`${norm}.weight`);
  const shift = weights.vector(`${norm}.bias`);
  return (input) => {
    const x = tf.add(tf.conv2d(input, kernel, 1, "same"), bias) as tf.Tensor4D;
    const y = tf.relu(tf.batchNorm4d(x, mean, variance, shift, scale, BATCH_NORM_EPSILON));
    return pooled ? maxPool(y) : y;
  };
}

function maxPool(x: tf.Tensor4D): tf.Tensor4D {
  return tf.maxPool(x, 2, 2, "valid");
}

/**
 * Logits of images. A pool after the last convolution leaves no gap that shows, so it is applied when the features
 * are longer than `classifier` reads. Throws `RangeError` at the call when they fit neither way.
 */
export function buildVgg(weights: Weights, plan: VggPlan): Network {
  const blocks = plan.convs.map(({ index, pooled }) => buildBlock(weights, index, pooled));
  const classify = buildDenseStack(weights, plan.dense);
  return (images) => {
    let x = blocks.reduce((y, block) => block(y), images);
    const length = (): number => x.shape[1] * x.shape[2] * x.shape[3];
    if (length() > plan.flat) x = maxPool(x);
    if (length() !== plan.flat)
      throw new RangeError(
        `features of ${images.shape[1]}×${images.shape[2]} images have ${length()} values, expected ${plan.flat}`,
      );
    // PyTorch flattens channel-major.
    return classify(tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [images.shape[0], plan.flat]) as tf.Tensor2D);
  };
}
