/** Two small perceptrons trained side by side from different starts, and the barrier between them after every epoch. */

import { type Dataset, subset } from "../src/data.ts";
import { initialiseModel } from "../src/graph.ts";
import { detectSpec, encodeSafetensors, type Model, matchWeights } from "../src/index.ts";
import { barrier, type CurvePoint } from "../src/measure.ts";
import { createNetwork, type TfNetwork, trainNetwork } from "../src/tf.ts";
import type { EvaluateCalls, TrainEpoch, Trained, TrainRequest } from "./calls.ts";
import { readImages, walkLines } from "./curves.ts";
import type { CallContext } from "./rpc.ts";

type Context = CallContext<EvaluateCalls["train"]["progress"]>;

/** Of the images, this share trains and the rest tests. */
const TRAIN_SHARE = 0.8;
/** Larger sets would test for longer than they train. */
const MOST_TESTS = 1000;
const BATCH = 50;
const LEARNING_RATE = 1e-3;
/** Points of the line on which the barrier is looked for: the middle, nearly always. */
const POINTS = 5;

/** One of the two: what is trained so far, and how it continues. */
interface Runner {
  readonly network: TfNetwork;
  /** Trains for one more epoch. */
  advance(): Promise<void>;
}

/**
 * Trains both and matches them again after every epoch. Deterministic: the same images and settings, the same networks.
 * Rejects with `FormatError` for data that are none, and with the signal's reason.
 */
export async function trainPair(request: TrainRequest, { signal, progress }: Context): Promise<Trained> {
  const { train, test } = split(await readImages(request.data, signal));
  const total = 2 * request.epochs * Math.ceil(train.count / BATCH);
  const epochs: TrainEpoch[] = [];
  let done = 0;
  const step = (): void => progress({ done: ++done, total, epochs });
  const runners: Runner[] = [];
  try {
    for (const seed of [1, 2]) runners.push(await createRunner(train, request, seed, step, signal));
    const [a, b] = runners as [Runner, Runner];
    for (let epoch = 1; epoch <= request.epochs; epoch++) {
      await a.advance();
      await b.advance();
      epochs.push({ epoch, ...(await lookBetween(a.network, b.network, test, signal)) });
      progress({ done, total, epochs });
    }
    return { epochs, a: await asBlob(a.network), b: await asBlob(b.network) };
  } finally {
    for (const { network } of runners) network.dispose();
  }
}

/** Every image is in one of the two; which, does not depend on their order in the file. */
function split(data: Dataset): { train: Dataset; test: Dataset } {
  const trained = Math.floor(TRAIN_SHARE * data.count);
  const tested = Math.min(MOST_TESTS, data.count - trained);
  if (trained < 1 || tested < 1) throw new RangeError(`${data.name} has ${data.count} images, expected at least 5`);
  const range = (start: number, count: number): Dataset =>
    subset(
      data,
      Int32Array.from({ length: count }, (_, i) => start + i),
    );
  return { train: range(0, trained), test: range(trained, tested) };
}

async function createRunner(
  data: Dataset,
  { hidden }: TrainRequest,
  seed: number,
  onStep: () => void,
  signal: AbortSignal,
): Promise<Runner> {
  const { height, width, channels, classes } = data;
  const model = initialiseModel({ family: "mlp", widths: [height * width * channels, hidden, hidden, classes] }, seed);
  const network = await createNetwork(model);
  let epochs = 0;
  let checkpoint: Model | undefined;
  return {
    network,
    async advance() {
      epochs++;
      await trainNetwork(network, data, {
        epochs,
        batch: BATCH,
        optimizer: "adam",
        learningRate: LEARNING_RATE,
        seed,
        signal,
        onProgress: onStep,
        resume: checkpoint,
        onEpoch: async (ended) => {
          checkpoint = await ended.checkpoint();
        },
      });
    },
  };
}

async function lookBetween(
  a: TfNetwork,
  b: TfNetwork,
  test: Dataset,
  signal: AbortSignal,
): Promise<Omit<TrainEpoch, "epoch">> {
  const [modelA, modelB] = [await a.toModel(), await b.toModel()];
  const spec = await detectSpec(modelA);
  const { permutations } = await matchWeights(modelA, modelB, spec, { signal });
  const [naive, aligned]: [CurvePoint[], CurvePoint[]] = [[], []];
  for await (const points of walkLines({ a: modelA, b: modelB, spec, permutations }, test, POINTS, signal)) {
    naive.push(points[0]);
    aligned.push(points[1]);
  }
  const [first, last] = [naive[0]!, naive.at(-1)!];
  return {
    lossA: first.loss,
    lossB: last.loss,
    accuracyA: first.accuracy,
    accuracyB: last.accuracy,
    naiveBarrier: barrier({ name: "naive", points: naive }).maxMinusMeanEndpoints,
    alignedBarrier: barrier({ name: "aligned", points: aligned }).maxMinusMeanEndpoints,
  };
}

async function asBlob(network: TfNetwork): Promise<Blob> {
  return new Blob([await encodeSafetensors(await network.toModel())]);
}
