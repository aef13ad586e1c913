/** Loss and accuracy of a model on labelled images. */

import type { Model } from "../../base/model.ts";
import type { Dataset } from "../../data/dataset.ts";
import { type EvaluateOptions, type Evaluation, evaluateRunning } from "../evaluate.ts";
import type { ExecutorOptions } from "../executor.ts";
import { openRunning } from "./running-model.ts";

/**
 * Mean cross-entropy (nats) and accuracy of a model on a data set. Opens a network of it, evaluates and disposes it. An
 * aborted `signal` rejects with its reason.
 *
 * @throws {RangeError} for a model of no known family, data that do not fit it (size, channels, classes), no images,
 * and a batch that is no positive integer.
 *
 * @example
 * const { accuracy } = await evaluateModel(await openModel("a.safetensors"), testSet);
 */
export async function evaluateModel(
  model: Model,
  data: Dataset,
  options: EvaluateOptions & ExecutorOptions = {},
): Promise<Evaluation> {
  const { executor, ...rest } = options;
  const running = await openRunning(model, executor);
  try {
    return await evaluateRunning(running, data, rest);
  } finally {
    running.network.dispose();
  }
}
