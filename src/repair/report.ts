/** What a repair is, and its report. */

import { memoryModel, type TensorData } from "../base/memory-model.ts";
import type { Model } from "../base/model.ts";
import type { Dataset } from "../data/dataset.ts";
import type { SolvedOperation } from "./least-squares/solve-in-order.ts";
import type { AffineKind } from "./repair-places.ts";

/**
 * The kinds of repair. `least-squares` solves the tensors of every convolution and matrix for the parents' mean
 * outputs; it is the best where a few hundred images are at hand. `bn-reset` recomputes BatchNorm's running statistics.
 * `repair` brings each channel's mean and standard deviation to the mean of the parents' (REPAIR, Jordan et al. 2023).
 * `rescale` changes the deviation alone, by a scale that always folds, `reshift` the mean alone.
 */
export type RepairKind = "least-squares" | "bn-reset" | AffineKind;

export const REPAIR_KINDS: readonly RepairKind[] = ["least-squares", "bn-reset", "repair", "rescale", "reshift"];

/** What was done. */
export interface RepairReport {
  readonly kind: RepairKind;
  readonly images: number;
  /** Values whose channels were normalised again, scaled or shifted, in order; none for `least-squares`. */
  readonly places: readonly RepairedValue[];
  /** `least-squares`: convolutions and matrices in the order in which they were solved. */
  readonly operations: readonly SolvedOperation[];
  /** `least-squares` with `temperature`: what the logits were divided by. */
  readonly temperature?: number | undefined;
  /** Values that were not shifted, since nothing there takes a shift. */
  readonly unshifted: readonly string[];
  /** Tensors that the model did not have before. */
  readonly addedBiases: readonly string[];
  /** Of a network by its file's graph: operators with weights that stayed as they are, one line each with the reason. */
  readonly leftOut?: readonly string[] | undefined;
}

/** One value of the network, before and after. */
export interface RepairedValue {
  readonly value: string;
  /** Least, mean and highest factor of its channels; 1 for `bn-reset` and `reshift`. */
  readonly scale: readonly [least: number, mean: number, most: number];
  /** Channels that never change on the images: they keep their scale. */
  readonly dead: number;
}

/** What `repairModel` gives. */
export interface RepairedModel {
  /** All in memory: copies in the dtypes of the merged model, with `rebasin.repair` in its metadata. */
  readonly model: Model;
  readonly report: RepairReport;
}

/** A copy of the model that records how it was repaired. An ONNX network is still that of the file of `merged`. */
export async function tagged(
  model: Model,
  kind: RepairKind,
  { count }: Dataset,
  merged: Pick<Model, "origin">,
): Promise<Model> {
  const tensors = new Map<string, TensorData>();
  for (const [name, info] of model.tensors) tensors.set(name, { ...info, data: await model.read(name) });
  const metadata = new Map([...model.metadata, ["rebasin.repair", kind], ["rebasin.repair.images", String(count)]]);
  const copy = memoryModel(tensors, { name: model.name, metadata });
  return merged.origin?.format === "onnx" ? { ...copy, origin: merged.origin } : copy;
}
