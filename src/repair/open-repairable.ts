/** Opens a model for repair: on TensorFlow.js, where values can wait half-way, or on any other executor. */

import type { Model } from "../base/model.ts";
import { type Executor, type ExecutorOptions, runsOnTensorFlow } from "../run/executor.ts";
import { executorFor } from "../run/models/model-graph.ts";
import { withTensorFlow } from "../run/with-tensorflow.ts";
import { withBiases } from "./added-bias.ts";
import { missingBias, type RepairAt, repairPlaces } from "./places.ts";
import type { Repairable } from "./repairable.ts";

/** Rejects with `RangeError` for a model of no known family, and as `executor` does. */
export async function openRepairable(model: Model, executor: Executor | undefined): Promise<Repairable> {
  const runs = await executorFor(model, executor);
  if (runsOnTensorFlow(runs)) {
    const { repairableOnTensorFlow } = await withTensorFlow(() => import("./tfjs/repairable.ts"));
    return repairableOnTensorFlow(model);
  }
  const { repairableOn } = await import("./host/repairable.ts");
  return repairableOn(model, runs);
}

/** What a network is opened for. */
export interface Opening extends ExecutorOptions {
  readonly at: RepairAt;
  /** Where a shift has no bias, one is added. */
  readonly addBias: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The merged network, with the biases that a shift needs where they are asked for. */
export async function openForRepair(
  merged: Model,
  { at, addBias, signal, executor }: Opening,
): Promise<{ network: Repairable; added: readonly string[] }> {
  const network = await openRepairable(merged, executor);
  const places = repairPlaces(network.graph, at);
  if (!addBias || !places.some((place) => missingBias(place) !== undefined)) return { network, added: [] };
  network.dispose();
  const { model, added } = await withBiases(merged, places, signal);
  return { network: await openRepairable(model, executor), added };
}
