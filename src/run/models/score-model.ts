/** Everything that labelled images show of a model. */

import type { Model } from "../../base/model.ts";
import type { Dataset } from "../../data/dataset.ts";
import { type EvaluateOptions, type Evaluation, predictRunning } from "../evaluate.ts";
import type { ExecutorOptions } from "../executor.ts";
import { type Calibration, calibrate, evaluateLogits } from "../metrics.ts";
import { openRunning } from "./running-model.ts";

/** Loss, accuracy and calibration. */
export interface ModelScore extends Evaluation {
  readonly calibration: Calibration;
}

/**
 * Mean cross-entropy (nats), accuracy and calibration of a model on a data set, from one pass over the images.
 *
 * @throws {RangeError} for a model of no known family, when the data do not fit it (size, channels, classes), and for
 * no images.
 *
 * @example
 * const { accuracy, calibration } = await scoreModel(await openModel("a.safetensors"), testSet);
 * calibration.error; // expected calibration error
 */
export async function scoreModel(
  model: Model,
  data: Dataset,
  options: EvaluateOptions & ExecutorOptions = {},
): Promise<ModelScore> {
  const { executor, ...rest } = options;
  const running = await openRunning(model, executor);
  try {
    const { logits, classes } = await predictRunning(running, data, rest);
    const answers = { logits, classes, labels: checkedLabels(model, data, classes) };
    return { ...evaluateLogits(answers), calibration: calibrate(answers) };
  } finally {
    running.network.dispose();
  }
}

function checkedLabels({ name }: Model, { name: data, labels }: Dataset, classes: number): Uint8Array {
  const bad = labels.findIndex((label) => label >= classes);
  if (bad >= 0)
    throw new RangeError(
      `${data} has label ${labels[bad]} at image ${bad}, expected less than the ${classes} classes of ${name}`,
    );
  return labels;
}
