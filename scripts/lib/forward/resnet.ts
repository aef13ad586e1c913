/**
 * CIFAR-style residual network with LayerNorm over the channels of each position: `conv1`, `norm1`, three stages
 * `layerS.B` of two 3×3 convolutions, the first of a later stage with stride 2 and a convolution as its shortcut, then
 * the mean over positions and `fc`. He et al. 2015, section 4.2; LayerNorm as in the models of Ainsworth et al. 2022.
 */

import * as tf from "@tensorflow/tfjs-core";
import { buildDenseStack } from "./mlp.ts";
import type { Network } from "./network.ts";
import type { Weights } from "./weights.ts";

const LAYER_NORM_EPSILON = 1e-6; // Flax's default, which the paper's code uses

type Map4D = (x: tf.Tensor4D) => tf.Tensor4D;

/** Prefixes of the blocks in order (`layer1.0`, `layer1.1` …), or undefined when the names are not those of one. */
export function findResnet(weights: Weights): string[] | undefined {
  if (!weights.has("conv1.weight") || !weights.has("norm1.weight") || !weights.has("fc.weight")) return undefined;
  const found = new Set<string>();
  for (const name of weights.names) {
    const match = /^(layer\d+\.\d+)\./.exec(name);
    if (match !== null) found.add(match[1]!);
  }
  const order = (prefix: string): number => {
    const [stage, block] = prefix.slice("layer".length).split(".").map(Number) as [number, number];
    return stage * 1e6 + block;
  };
  return [...found].sort((a, b) => order(a) - order(b));
}

/** LayerNorm over channels, scaled and shifted. */
function buildNorm(weights: Weights, prefix: string): Map4D {
  const scale = weights.vector(`${prefix}.weight`);
  const shift = weights.vector(`${prefix}.bias`);
  return (x) => {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const variance = tf.mean(tf.square(centred), -1, true);
    return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, LAYER_NORM_EPSILON))), scale), shift) as tf.Tensor4D;
  };
}

/** Convolution without bias (padding 1 for 3×3, on both sides as PyTorch does, unlike "same"), then LayerNorm. */
function buildConvNorm(weights: Weights, conv: string, norm: string, stride: number): Map4D {
  const kernel = weights.conv(`${conv}.weight`);
  const padding = (kernel.shape[0] - 1) / 2;
  const normalise = buildNorm(weights, norm);
  return (x) => normalise(tf.conv2d(x, kernel, stride, padding));
}

/** `relu(norm(conv(relu(norm(conv(x))))) + shortcut(x))`. */
function buildBlock(weights: Weights, prefix: string): Map4D {
  const projects = weights.has(`${prefix}.shortcut.0.weight`);
  const stride = projects ? 2 : 1;
  const first = buildConvNorm(weights, `${prefix}.conv1`, `${prefix}.norm1`, stride);
  const second = buildConvNorm(weights, `${prefix}.conv2`, `${prefix}.norm2`, 1);
  const shortcut: Map4D = projects
    ? buildConvNorm(weights, `${prefix}.shortcut.0`, `${prefix}.shortcut.1`, stride)
    : (x) => x;
  return (x) => tf.relu(tf.add(second(tf.relu(first(x))), shortcut(x)) as tf.Tensor4D);
}

/** Logits of images of any size. */
export function buildResnet(weights: Weights, prefixes: readonly string[]): Network {
  const stem = buildConvNorm(weights, "conv1", "norm1", 1);
  const blocks = prefixes.map((prefix) => buildBlock(weights, prefix));
  const classify = buildDenseStack(weights, ["fc"]);
  return (images) => {
    // A tidy a block: the activations of a whole network at once would be gigabytes.
    const features = blocks.reduce((x, block) => tf.tidy(() => block(x)), tf.relu(stem(images)));
    return classify(tf.mean(features, [1, 2]) as tf.Tensor2D);
  };
}
