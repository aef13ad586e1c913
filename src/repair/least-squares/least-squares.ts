/**
 * Repair by least squares of a whole model: opens the networks, solves, and folds a temperature in where it is
 * asked for.
 */

import type { Model } from "../../base/model.ts";
import type { Dataset } from "../../data/dataset.ts";
import { checkData } from "../../run/check-data.ts";
import { runsOnTensorFlow } from "../../run/executor.ts";
import type { BatchOptions } from "../../run/image-batches.ts";
import { executorFor, modelGraph } from "../../run/models/model-graph.ts";
import { fitTemperature, meanProbabilities } from "../../run/temperature.ts";
import { withTensorFlow } from "../../run/with-tensorflow.ts";
import { withBiases } from "../added-bias.ts";
import type { RepairOptions } from "../options.ts";
import { missingBias, repairPlaces } from "../places.ts";
import { type RepairedModel, tagged } from "../report.ts";
import { leastSquaresNeed } from "./need.ts";
import { solveInOrder, stepsOf } from "./solve-in-order.ts";
import type { Stepper } from "./stepper.ts";

/** Images at a time: the values of all networks wait in memory. */
const BATCH = 100;
const RIDGE = 0.01;

type Settings = Omit<RepairOptions, "weights" | "kind" | "at"> & { readonly weights: readonly number[] };

/** The merge of `parents`, repaired; see `solveInOrder`. Throws as `repairModel` does. */
export async function leastSquares(
  merged: Model,
  parents: readonly Model[],
  data: Dataset,
  settings: Settings,
): Promise<RepairedModel> {
  const { weights, ridge = RIDGE, batch = BATCH, temperature = false, onNeed, signal, onProgress } = settings;
  const { model, added } = await withMissingBiases(merged, settings);
  // A parent without a share decides nothing.
  const shares = weights.filter((weight) => weight > 0);
  const shared = parents.filter((_, k) => weights[k]! > 0);
  const stepper = await openStepper(model, shared, data, { ...settings, batch });
  try {
    await checkData(stepper, data, { labels: false });
    onNeed?.(await leastSquaresNeed(stepper, data, batch));
    const { graph } = stepper;
    const passes = temperature ? shared.length + 1 : 0;
    const total = (stepsOf(graph).length + passes) * data.count;
    const onImages = (done: number): void => onProgress?.({ stage: "repair", done, total });
    const operations = await solveInOrder(stepper, data, { weights: shares, ridge, onImages });
    const onLogits = (pass: number) => (done: number) => onImages(total - (passes - pass) * data.count + done);
    const tempering = { batch, signal, onLogits };
    const divided = temperature ? await foldTemperature(stepper, shares, data, tempering) : undefined;
    return {
      model: await tagged(await stepper.toModel(), "least-squares", data, merged),
      report: {
        kind: "least-squares",
        images: data.count,
        places: [],
        operations,
        temperature: divided,
        unshifted: repairPlaces(graph).flatMap((place) => (missingBias(place) === undefined ? [] : [place.value])),
        addedBiases: added,
        leftOut: graph.leftOut,
      },
    };
  } finally {
    stepper.dispose();
  }
}

async function withMissingBiases(
  merged: Model,
  { addBias = false, signal, executor }: Pick<Settings, "addBias" | "signal" | "executor">,
): Promise<{ model: Model; added: readonly string[] }> {
  if (!addBias) return { model: merged, added: [] };
  return withBiases(merged, repairPlaces((await modelGraph(merged, executor)).graph), signal);
}

async function openStepper(
  merged: Model,
  parents: readonly Model[],
  data: Dataset,
  { batch, signal, executor }: BatchOptions & Pick<Settings, "executor">,
): Promise<Stepper> {
  const runs = await executorFor(merged, executor);
  if (runsOnTensorFlow(runs)) {
    const { stepperOnTensorFlow } = await withTensorFlow(() => import("../tfjs/stepper.ts"));
    return stepperOnTensorFlow([merged, ...parents], data, { batch, signal });
  }
  const { stepperOn } = await import("../host/stepper.ts");
  return stepperOn([merged, ...parents], runs, data, { batch, signal });
}

interface Tempering extends Pick<BatchOptions, "batch" | "signal"> {
  readonly onLogits: (pass: number) => (done: number) => void;
}

/** Divides the last operation's tensors by the temperature that fits the parents' mean probabilities; returns it. */
async function foldTemperature(
  stepper: Stepper,
  weights: readonly number[],
  data: Dataset,
  { batch, signal, onLogits }: Tempering,
): Promise<number> {
  const { graph, name } = stepper;
  const last = graph.operations.find(({ output }) => output === graph.output)!.kind;
  const readers = graph.operations.filter(
    ({ kind }) => kind.op === "dense" && last.op === "dense" && kind.weight === last.weight,
  );
  if (last.op !== "dense" || readers.length > 1)
    throw new RangeError(`${name} does not end in a separate matrix, expected one to divide by a temperature`);
  const logitsOf = (which: number) => stepper.predict(which, data, { batch, signal, onImages: onLogits(which) });
  const own = await logitsOf(0);
  const others: Awaited<ReturnType<typeof logitsOf>>[] = [];
  for (const k of weights.keys()) others.push(await logitsOf(k + 1));
  const temperature = fitTemperature(own, meanProbabilities(others, weights));
  for (const tensor of [last.weight, last.bias]) {
    if (tensor !== undefined)
      stepper.write(
        tensor,
        (await stepper.read(tensor)).map((value) => value / temperature),
      );
  }
  return temperature;
}
