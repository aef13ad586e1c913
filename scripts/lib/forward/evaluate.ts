/** Loss and accuracy of a model on labelled images: finds which network its tensor names describe, and runs it. */

import * as tf from "@tensorflow/tfjs-core";
import type { Model } from "../../../src/tensor.ts";
import type { Images } from "../data.ts";
import { readFloatTensors } from "../decode.ts";
import { startBackend } from "./backend.ts";
import { buildMlp, findMlp } from "./mlp.ts";
import type { Network } from "./network.ts";
import { buildResnet, findResnet } from "./resnet.ts";
import { buildVgg, findVgg } from "./vgg.ts";
import { createWeights, type Weights } from "./weights.ts";

/** `loss` is the mean softmax cross-entropy in nats, `accuracy` the fraction of images classified right. */
export interface Evaluation {
  readonly loss: number;
  readonly accuracy: number;
}

/** The network that tensor names describe: MLP, VGG with BatchNorm, or ResNet with LayerNorm. Throws `RangeError` for others. */
function buildNetwork(weights: Weights, modelName: string): Network {
  const blocks = findResnet(weights);
  const plan = findVgg(weights);
  const dense = findMlp(weights);
  let network: Network;
  if (blocks !== undefined) network = buildResnet(weights, blocks);
  else if (plan !== undefined) network = buildVgg(weights, plan);
  else if (dense !== undefined) network = buildMlp(weights, dense);
  else
    throw new RangeError(
      `${modelName} has tensors of no network known here, expected an MLP, a VGG with BatchNorm or a ResNet with LayerNorm`,
    );
  const unused = weights.unused();
  if (unused.length > 0)
    throw new RangeError(
      `${modelName} has ${unused.length} tensors the network does not read (${unused[0]}), expected none`,
    );
  return network;
}

/** Sum of cross-entropies and number of right answers of a batch of logits `[count, classes]`. In f64. */
function score(logits: Float32Array, classes: number, labels: Uint8Array): { loss: number; right: number } {
  let loss = 0;
  let right = 0;
  for (let i = 0; i < labels.length; i++) {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    let best = 0;
    for (let c = 1; c < classes; c++) if (row[c]! > row[best]!) best = c;
    let sum = 0;
    for (const value of row) sum += Math.exp(value - row[best]!);
    loss += row[best]! + Math.log(sum) - row[labels[i]!]!;
    if (best === labels[i]) right++;
  }
  return { loss, right };
}

/**
 * Runs a model on images, `batch` at a time, on the wasm backend. Nothing stays allocated afterwards.
 * Throws `RangeError` for a network it does not know, images that do not fit it, or labels that do not fit the images.
 *
 * @example
 * const { loss, accuracy } = await evaluate(model, images, labels);
 */
export async function evaluate(
  model: Model,
  images: Images,
  labels: Uint8Array,
  batch: number = 250,
): Promise<Evaluation> {
  if (labels.length !== images.count || images.count === 0)
    throw new RangeError(`${labels.length} labels for ${images.count} images, expected one each`);
  await startBackend();
  const weights = createWeights(await readFloatTensors(model));
  try {
    const network = buildNetwork(weights, model.name);
    let loss = 0;
    let right = 0;
    for (let start = 0; start < images.count; start += batch) {
      const { logits, classes } = runBatch(network, images, start, Math.min(start + batch, images.count));
      const highest = labels.subarray(start, start + batch).reduce((a, b) => Math.max(a, b), 0);
      if (highest >= classes)
        throw new RangeError(`label ${highest}, expected less than the ${classes} classes of ${model.name}`);
      const scored = score(logits, classes, labels.subarray(start, start + batch));
      loss += scored.loss;
      right += scored.right;
    }
    return { loss: loss / images.count, accuracy: right / images.count };
  } finally {
    weights.dispose();
  }
}

/** Logits of images `start` to `end` (exclusive). */
function runBatch(
  network: Network,
  images: Images,
  start: number,
  end: number,
): { logits: Float32Array; classes: number } {
  const { height, width, pixels } = images;
  return tf.tidy(() => {
    const part = pixels.slice(start * height * width, end * height * width);
    const logits = network(tf.tensor4d(part, [end - start, height, width, 1]));
    return { logits: logits.dataSync<"float32">(), classes: logits.shape[1] };
  });
}
