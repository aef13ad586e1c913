/** Trains networks on labelled images, the same to the last bit in every runtime. */

import * as tf from "@tensorflow/tfjs-core";
import type { Model } from "../../base/model.ts";
import { checkOptions, type OptionKinds, RUNNING, type Running } from "../../base/options.ts";
import { createYielder } from "../../base/progress.ts";
import { createRng, randomPermutation } from "../../base/rng.ts";
import type { Dataset } from "../../data/dataset.ts";
import { batches } from "../../data/select.ts";
import { checkData } from "../check-data.ts";
import type { Schedule } from "../schedule.ts";
import { registerGradients } from "./gradients/register.ts";
import { lossGradients } from "./loss-gradients.ts";
import type { TfNetwork } from "./network.ts";
import { createOptimizer, type Optimizer } from "./optimizer.ts";
import { checkpointVariables, readCheckpoint, type TrainingPosition, writeCheckpoint } from "./training-state.ts";

/** An epoch that is done. */
export interface TrainedEpoch {
  /** From 1. */
  readonly epoch: number;
  /** Mean cross-entropy (nats) and accuracy of its batches, each before the step it led to. */
  readonly loss: number;
  readonly accuracy: number;
}

/** An epoch that has just ended. */
export interface EndedEpoch extends TrainedEpoch {
  /** A copy of all that `resume` needs. Ask for it before the callback's promise is resolved. */
  checkpoint(): Promise<Model>;
}

/** How a network is trained. Progress is of stage `train`, in steps. */
export interface TrainOptions extends Running {
  /** Times that every image is seen, those before `resume` included. */
  readonly epochs: number;
  /** Images a step; the last of an epoch takes what is left. */
  readonly batch: number;
  readonly optimizer: "sgd" | "adam";
  /** One number, or one for each moment (`cosineSchedule`). */
  readonly learningRate: number | Schedule;
  /** Of SGD. Default 0. */
  readonly momentum?: number | undefined;
  /** L2: this times each tensor is added to its gradient. Default 0. */
  readonly weightDecay?: number | undefined;
  /** Of the order of the images: a new one each epoch. */
  readonly seed: number;
  /** A checkpoint of the same training: resumes after its last epoch. */
  readonly resume?: Model | undefined;
  /** Called after each epoch, and waited for. */
  readonly onEpoch?: ((epoch: EndedEpoch) => Promise<void> | void) | undefined;
}

const KINDS: OptionKinds<TrainOptions> = {
  epochs: "number",
  batch: "number",
  optimizer: "string",
  learningRate: "any",
  momentum: "number",
  weightDecay: "number",
  seed: "number",
  resume: "object",
  onEpoch: "function",
  ...RUNNING,
};

/** What of a network training uses. */
export type TrainableNetwork = Pick<TfNetwork, "name" | "graph" | "tensors" | "variables" | "runTraining">;

/**
 * Minimises the mean softmax cross-entropy of a network on a data set, in place: its trainable variables change at
 * every step, its running statistics with them. Returns the epochs it ran. Same network, data and options: same bytes,
 * in every runtime; also when the training was cut in two by a checkpoint.
 *
 * An aborted `signal` rejects with its reason and leaves the network between two steps.
 *
 * @throws {RangeError} when data do not fit the network, options are out of range, a checkpoint is another training's,
 * or the loss is no longer finite (naming epoch and step).
 *
 * @example
 * const network = await createNetwork(initialiseModel({ family: "mlp", widths: [784, 256, 10] }, 1));
 * await trainNetwork(network, data, { epochs: 5, batch: 100, optimizer: "adam", learningRate: 1e-3, seed: 1 });
 * const model = await network.toModel();
 */
export async function trainNetwork(
  network: TrainableNetwork,
  data: Dataset,
  options: TrainOptions,
): Promise<TrainedEpoch[]> {
  const settings = checkedSettings(options);
  await checkData(network, data);
  registerGradients();
  const trainable = new Map([...network.variables].filter(([, variable]) => variable.trainable));
  const optimizer = createOptimizer(trainable, settings);
  try {
    return await runEpochs({ network, data, options, rateAt: settings.rateAt, trainable, optimizer });
  } finally {
    optimizer.dispose();
  }
}

interface Settings {
  readonly kind: "sgd" | "adam";
  readonly momentum: number;
  readonly weightDecay: number;
  readonly rateAt: Schedule;
}

function checkedSettings(options: TrainOptions): Settings {
  checkOptions("train", options, KINDS);
  const { epochs, batch, optimizer: kind, learningRate, momentum = 0, weightDecay = 0 } = options;
  for (const [name, value] of Object.entries({ epochs, batch })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`${name} ${value}, expected a positive integer`);
  }
  if (kind !== "sgd" && kind !== "adam") throw new RangeError(`optimizer ${kind}, expected sgd or adam`);
  if (!(momentum >= 0 && momentum < 1))
    throw new RangeError(`momentum ${momentum}, expected a number from 0 to below 1`);
  if (momentum > 0 && kind === "adam")
    throw new RangeError(`momentum ${momentum} with adam, expected it with sgd only`);
  if (!(Number.isFinite(weightDecay) && weightDecay >= 0))
    throw new RangeError(`weightDecay ${weightDecay}, expected a number from 0`);
  if (typeof learningRate === "number" && !(Number.isFinite(learningRate) && learningRate > 0))
    throw new RangeError(`learningRate ${learningRate}, expected a positive number`);
  const rateAt = typeof learningRate === "number" ? () => learningRate : learningRate;
  return { kind, momentum, weightDecay, rateAt };
}

interface Training {
  readonly network: TrainableNetwork;
  readonly data: Dataset;
  readonly options: TrainOptions;
  readonly rateAt: Schedule;
  readonly trainable: ReadonlyMap<string, tf.Variable>;
  readonly optimizer: Optimizer;
}

async function runEpochs(training: Training): Promise<TrainedEpoch[]> {
  const { network, data, options, optimizer } = training;
  const { epochs, batch, seed, resume, onEpoch } = options;
  const variables = checkpointVariables(network.variables, optimizer.state);
  const same = { seed, batch, images: data.count };
  const rng = createRng(seed);
  let position: TrainingPosition = { ...same, epoch: 0, step: 0 };
  if (resume !== undefined) position = await readCheckpoint(resume, variables, same);
  // The orders of the epochs before are drawn again, since the generator's state is theirs.
  for (let epoch = 0; epoch < position.epoch; epoch++) randomPermutation(data.count, rng);
  const done: TrainedEpoch[] = [];
  const giveWay = createYielder(options.signal);
  while (position.epoch < epochs) {
    const { epoch, step } = position;
    const trained = await runEpoch(training, epoch + 1, step, randomPermutation(data.count, rng), giveWay);
    position = { ...same, epoch: epoch + 1, step: step + Math.ceil(data.count / batch) };
    done.push(trained);
    const ended = position;
    await onEpoch?.({ ...trained, checkpoint: () => writeCheckpoint(network.name, variables, ended) });
  }
  return done;
}

async function runEpoch(
  training: Training,
  epoch: number,
  stepsBefore: number,
  order: Int32Array,
  giveWay: () => Promise<void>,
): Promise<TrainedEpoch> {
  const { network, data, options, rateAt, optimizer } = training;
  const total = options.epochs * Math.ceil(data.count / options.batch);
  let step = stepsBefore;
  let [loss, right] = [0, 0];
  for (const batch of batches(data, options.batch, { order })) {
    await giveWay();
    const { score, gradients } = lossGradients(network, data, training.trainable, batch);
    try {
      const mean = score.loss / score.count;
      if (!Number.isFinite(mean)) {
        const where = `epoch ${epoch} step ${step - stepsBefore + 1}`;
        throw new RangeError(`${network.name} has loss ${mean} at ${where}, expected a finite one (try a lower rate)`);
      }
      optimizer.apply(gradients, rateAt(step / total), step + 1);
    } finally {
      tf.dispose([...gradients.values()]);
    }
    loss += score.loss;
    right += score.right;
    step += 1;
    options.onProgress?.({ stage: "train", done: step, total });
  }
  return { epoch, loss: loss / data.count, accuracy: right / data.count };
}
