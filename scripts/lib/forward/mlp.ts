/** Multi-layer perceptron with ReLU: any chain of dense tensors `PREFIX.N.weight`, `PREFIX.N.bias` in the order of N. */

import * as tf from "@tensorflow/tfjs-core";
import type { Network } from "./network.ts";
import type { Weights } from "./weights.ts";

/**
 * `y = x·W + b` after `y = x·W + b`, ReLU between them, none at the end. `prefixes` in order, as `["fc.0", "fc.2"]`.
 * Throws `RangeError` when a tensor is missing.
 */
export function buildDenseStack(weights: Weights, prefixes: readonly string[]): (x: tf.Tensor2D) => tf.Tensor2D {
  const steps = prefixes.map((prefix) => ({
    kernel: weights.dense(`${prefix}.weight`),
    bias: weights.vector(`${prefix}.bias`),
  }));
  return (input) =>
    steps.reduce((x, { kernel, bias }, step) => {
      const y = tf.add(tf.matMul(x, kernel), bias) as tf.Tensor2D;
      return step < steps.length - 1 ? tf.relu(y) : y;
    }, input);
}

/** Prefixes of the dense tensors in numeric order, or undefined when the names are not those of an MLP. */
export function findMlp(weights: Weights): string[] | undefined {
  const found = new Map<number, string>();
  for (const name of weights.names) {
    const match = /^((?:[A-Za-z_]+\.)?(\d+))\.(?:weight|bias)$/.exec(name);
    if (match === null || (name.endsWith("weight") && weights.shape(name).length !== 2)) return undefined;
    found.set(Number(match[2]), match[1]!);
  }
  return [...found].sort(([a], [b]) => a - b).map(([, prefix]) => prefix);
}

/** Logits of images flattened row by row. */
export function buildMlp(weights: Weights, prefixes: readonly string[]): Network {
  const stack = buildDenseStack(weights, prefixes);
  return (images) => stack(tf.reshape(images, [images.shape[0], -1]) as tf.Tensor2D);
}
