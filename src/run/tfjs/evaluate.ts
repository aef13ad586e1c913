/** Loss, accuracy and logits of networks on labelled images. */

import type { Model } from "../../base/model.ts";
import { checkOptions } from "../../base/options.ts";
import type { OnProgress } from "../../base/progress.ts";
import type { Dataset } from "../../data/dataset.ts";
import { checkData } from "../check-data.ts";
import { type Evaluation, scoreLogits } from "../metrics.ts";
import { eachBatch } from "./image-batches.ts";
import { createNetwork, type Network } from "./network.ts";

export type { Evaluation } from "../metrics.ts";

/** How images are run. */
export interface EvaluateOptions {
  /** Images at a time at most: bounds memory, and changes no digit that is printed. Default 250. */
  readonly batch?: number;
  readonly signal?: AbortSignal;
  /** Stage `evaluate`, in images. */
  readonly onProgress?: OnProgress;
}

/** Logits `[count, classes]`, row-major. */
export interface Predictions {
  readonly logits: Float32Array;
  readonly classes: number;
}

const BATCH = 250;

/**
 * Mean cross-entropy (nats) and accuracy of a network on a data set. Throws `RangeError` when the data do not fit the
 * network (size, channels, classes), for no images and a batch that is no positive integer, and the reason of an
 * aborted `signal`.
 *
 * @example
 * const { loss, accuracy } = await evaluateNetwork(network, testSet);
 */
export async function evaluateNetwork(
  network: Network,
  data: Dataset,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  checkData(network, data);
  let [loss, right] = [0, 0];
  await eachLogits(network, data, options, (start, logits, classes) => {
    const labels = data.labels.subarray(start, start + logits.length / classes);
    const score = scoreLogits({ logits, classes, labels });
    loss += score.loss;
    right += score.right;
  });
  return { loss: loss / data.count, accuracy: right / data.count };
}

/**
 * The same for a model: creates its network, evaluates and disposes it. Nothing stays allocated. Throws as
 * `createNetwork` and `evaluateNetwork` do.
 *
 * @example
 * const { accuracy } = await evaluateModel(await openModel("a.safetensors"), testSet);
 */
export async function evaluateModel(model: Model, data: Dataset, options: EvaluateOptions = {}): Promise<Evaluation> {
  const network = await createNetwork(model);
  try {
    return await evaluateNetwork(network, data, options);
  } finally {
    network.dispose();
  }
}

/**
 * The logits of every image, in order: a fresh array. Labels are not looked at. Throws as `evaluateNetwork` does.
 *
 * @example
 * const { logits, classes } = await predict(network, testSet);
 */
export async function predict(network: Network, data: Dataset, options: EvaluateOptions = {}): Promise<Predictions> {
  const classes = checkData(network, data, { labels: false });
  const logits = new Float32Array(data.count * classes);
  await eachLogits(network, data, options, (start, part) => logits.set(part, start * classes));
  return { logits, classes };
}

async function eachLogits(
  network: Network,
  data: Dataset,
  options: EvaluateOptions,
  take: (start: number, logits: Float32Array, classes: number) => void,
): Promise<void> {
  checkOptions("evaluate", options, ["batch", "signal", "onProgress"]);
  const { batch = BATCH, signal, onProgress } = options;
  if (!Number.isSafeInteger(batch) || batch < 1) throw new RangeError(`batch ${batch}, expected a positive integer`);
  const onImages = (done: number): void => onProgress?.({ stage: "evaluate", done, total: data.count });
  await eachBatch(data, { batch, signal, onImages }, (images, start) => {
    const { logits } = network.run(images);
    take(start, logits.dataSync<"float32">(), logits.shape[1]);
  });
}
