/** Loss, accuracy and logits of models that run, on labelled images. */

import { describe } from "../base/describe.ts";
import type { Model } from "../base/model.ts";
import { checkOptions, type OptionKinds, RUNNING, type Running } from "../base/options.ts";
import type { Dataset } from "../data/dataset.ts";
import { checkData } from "./check-data.ts";
import type { RunningModel } from "./executor.ts";
import { eachImages } from "./image-batches.ts";
import { type Evaluation, scoreLogits } from "./metrics.ts";

export type { Evaluation } from "./metrics.ts";

/** How images are run. Progress is of stage `evaluate`, in images. */
export interface EvaluateOptions extends Running {
  /** Images at a time at most: bounds memory, and changes no digit that is printed. Default 250. */
  readonly batch?: number | undefined;
}

/** Logits `[count, classes]`, row-major. */
export interface Predictions {
  readonly logits: Float32Array;
  readonly classes: number;
}

/**
 * Your own evaluation, instead of a data set: loss (nats) and accuracy (0 to 1) of a model on data of your choice.
 */
export type Evaluate = (model: Model) => Promise<Evaluation> | Evaluation;

const OPTIONS: OptionKinds<EvaluateOptions> = { batch: "number", ...RUNNING };
const BATCH = 250;

/** Throws `TypeError` unless models can be evaluated on `data`: by a function, or on a data set. */
export function checkMeasured(name: string, data: Dataset | Evaluate): void {
  if (typeof data !== "function" && typeof data?.read !== "function")
    throw new TypeError(`${name} is ${describe(data)}, expected a data set or a function that evaluates a model`);
}

/** The user's evaluation of a model. Throws `TypeError` when it gives no two numbers; NaN and infinity are numbers. */
export async function evaluateBy(evaluate: Evaluate, model: Model): Promise<Evaluation> {
  const found: Partial<Evaluation> | undefined = await evaluate(model);
  const { loss, accuracy } = found ?? {};
  if (typeof loss !== "number" || typeof accuracy !== "number")
    throw new TypeError(
      `evaluation of ${model.name} gave loss ${describe(loss)} and accuracy ${describe(accuracy)}, expected two numbers`,
    );
  return { loss, accuracy };
}

/** Mean cross-entropy and accuracy of a model that runs. Throws as `evaluateModel` does. */
export async function evaluateRunning(
  running: RunningModel,
  data: Dataset,
  options: EvaluateOptions,
): Promise<Evaluation> {
  await checkData(running, data);
  let [loss, right] = [0, 0];
  await eachLogits(running, data, options, (start, logits, classes) => {
    const labels = data.labels.subarray(start, start + logits.length / classes);
    const score = scoreLogits({ logits, classes, labels });
    loss += score.loss;
    right += score.right;
  });
  return { loss: loss / data.count, accuracy: right / data.count };
}

/**
 * The logits of every image, in order: a fresh array. Labels are not looked at. Throws as `evaluateModel` does.
 *
 * @example
 * const runner = createRunner();
 * const { logits, classes } = await predictRunning(await runner.load(model), testSet);
 * runner.dispose();
 */
export async function predictRunning(
  running: RunningModel,
  data: Dataset,
  options: EvaluateOptions = {},
): Promise<Predictions> {
  const classes = await checkData(running, data, { labels: false });
  const logits = new Float32Array(data.count * classes);
  await eachLogits(running, data, options, (start, part) => logits.set(part, start * classes));
  return { logits, classes };
}

async function eachLogits(
  { network, graph: { output } }: RunningModel,
  data: Dataset,
  options: EvaluateOptions,
  take: (start: number, logits: Float32Array, classes: number) => void,
): Promise<void> {
  checkOptions("evaluate", options, OPTIONS);
  const { batch = BATCH, signal, onProgress } = options;
  if (!Number.isSafeInteger(batch) || batch < 1) throw new RangeError(`batch ${batch}, expected a positive integer`);
  const onImages = (done: number): void => onProgress?.({ stage: "evaluate", done, total: data.count });
  await eachImages(data, { batch, signal, onImages }, async (images, start) => {
    const values = await network.run(new Map([["input", images]]), new Set([output]));
    const logits = values.get(output)!;
    take(start, logits.data, logits.shape[1]!);
  });
}
