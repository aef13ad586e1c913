/** Loss, accuracy and logits of a network that is on TensorFlow.js already. */

import type { Dataset } from "../../data/dataset.ts";
import {
  type EvaluateOptions,
  type Evaluation,
  evaluateRunning,
  type Predictions,
  predictRunning,
} from "../evaluate.ts";
import { asRunning } from "./executor.ts";
import type { TfNetwork } from "./network.ts";

/**
 * Mean cross-entropy (nats) and accuracy of a network on a data set. An aborted `signal` rejects with its reason.
 *
 * @throws {RangeError} for data that do not fit the network (size, channels, classes), no images, and a batch that is
 * no positive integer.
 *
 * @example
 * const { loss, accuracy } = await evaluateNetwork(network, testSet);
 */
export function evaluateNetwork(network: TfNetwork, data: Dataset, options: EvaluateOptions = {}): Promise<Evaluation> {
  return evaluateRunning(asRunning(network), data, options);
}

/**
 * The logits of every image, in order: a fresh array. Labels are not looked at. Throws as `evaluateNetwork` does.
 *
 * @example
 * const { logits, classes } = await predict(network, testSet);
 */
export function predict(network: TfNetwork, data: Dataset, options: EvaluateOptions = {}): Promise<Predictions> {
  return predictRunning(asRunning(network), data, options);
}
