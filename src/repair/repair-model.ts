/** Repair of merged networks: their activations vary less than those of the networks they were made of. */

import { memoryModel, type TensorData } from "../base/memory-model.ts";
import type { Model } from "../base/model.ts";
import { checkOptions, type OptionKinds, RUNNING, type Running } from "../base/options.ts";
import type { OnProgress } from "../base/progress.ts";
import type { Dataset } from "../data/dataset.ts";
import { requireSameTensors } from "../perm/same-tensors.ts";
import { checkData } from "../run/check-data.ts";
import type { ExecutorOptions } from "../run/executor.ts";
import { batchNormsOf } from "./batch-norms.ts";
import type { ChannelStatistics } from "./channel-statistics.ts";
import { openForRepair, openRepairable } from "./open-repairable.ts";
import { type RepairAt, repairPlaces } from "./places.ts";
import { type AffineKind, blendStatistics, type RepairedPlace, repairInOrder } from "./repair-places.ts";
import type { Repairable } from "./repairable.ts";

/**
 * `bn-reset`: BatchNorm's running statistics recomputed. `repair`: each channel's mean and standard deviation brought to
 * the mean of the endpoints' (REPAIR, Jordan et al. 2023). `rescale`: the deviation alone, by a scale that always folds.
 * `reshift`: the mean alone.
 */
export type RepairKind = "bn-reset" | AffineKind;

export const REPAIR_KINDS: readonly RepairKind[] = ["bn-reset", "repair", "rescale", "reshift"];

/** Options of `repairModel`. Progress is of stage `repair`, in images over all passes. */
export interface RepairOptions extends Running, ExecutorOptions {
  readonly kind: RepairKind;
  /** Share of B in the targets, as in the merge. Default 0.5. */
  readonly lambda?: number | undefined;
  /**
   * Which values are repaired. Default "linear": outputs of convolutions and matrices, as the paper does. With LayerNorm,
   * "norms" is the better choice: a norm has a shift of its own, and what follows reads its output.
   */
  readonly at?: RepairAt | undefined;
  /**
   * Images at a time: bounds memory. For `bn-reset` it is part of what is computed (default 500); else it changes results
   * by rounding alone (default 250).
   */
  readonly batch?: number | undefined;
  /** A convolution or matrix without bias gains one, so that it can be shifted. Default false: its shift is left out. */
  readonly addBias?: boolean | undefined;
}

/** What was done. */
export interface RepairReport {
  readonly kind: RepairKind;
  readonly images: number;
  /** Values whose channels were normalised anew, scaled or shifted, in order. */
  readonly places: readonly RepairedValue[];
  /** Values that were not shifted, since nothing there takes a shift. */
  readonly unshifted: readonly string[];
  /** Tensors that the model did not have before. */
  readonly addedBiases: readonly string[];
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

/** Images at a time of all repairs but `bn-reset`. */
const BATCH = 250;

const OPTIONS: OptionKinds<RepairOptions> = {
  kind: "string",
  lambda: "number",
  at: "string",
  batch: "number",
  addBias: "boolean",
  executor: "object",
  ...RUNNING,
};

/** Repairs a merge of one pair at `lambda`, which is the share of B in it. */
export type PairRepair = (merged: Model, lambda: number) => Promise<RepairedModel>;

/**
 * Repairs the merge of A and the aligned B by what all three do on the images of `data`; labels are not looked at. The
 * targets are (1−λ) of A's means and standard deviations and λ of B's; they are brought about place by place, each
 * measured after the repairs before it, and folded into the tensors, so that the result is a plain model. BatchNorm takes
 * them in its affine. For `bn-reset`, A and B are not run.
 *
 * Throws `SpecError` when the models do not hold the same tensors, `RangeError` for options out of range, a network of no
 * known family, `bn-reset` without BatchNorm, data that do not fit, fewer than two images, NaN or infinity in an
 * activation, and the reason of an aborted signal.
 *
 * @example
 * const { model } = await repairModel(merged, a, alignedB, firstImages(train, 10_000), { kind: "repair" });
 */
export async function repairModel(
  merged: Model,
  a: Model,
  alignedB: Model,
  data: Dataset,
  options: RepairOptions,
): Promise<RepairedModel> {
  checkOptions("repairModel", options, OPTIONS);
  const { lambda = 0.5, ...rest } = options;
  return pairRepair(a, alignedB, data, rest)(merged, lambda);
}

/**
 * What repairs merges of A and the aligned B at any λ, as `repairModel` does: A and B are run once for all of them. Throws
 * as `repairModel` does; what has to do with the models, when the first merge is repaired.
 *
 * @example
 * const repair = pairRepair(a, alignedB, firstImages(train, 10_000), { kind: "repair" });
 * const curves = await sampleCurves({ a, b, spec, permutations }, new Map([["test", data]]), { repair });
 */
export function pairRepair(
  a: Model,
  alignedB: Model,
  data: Dataset,
  options: Omit<RepairOptions, "lambda">,
): PairRepair {
  checkRepairOptions(options);
  const { kind, onProgress } = options;
  if (data.count === 1) throw new RangeError(`${data.name} has 1 image, expected at least 2 for statistics`);
  let ends: EndStatistics | undefined;
  return async (merged, lambda) => {
    if (!(lambda >= 0 && lambda <= 1)) throw new RangeError(`lambda ${lambda}, expected a number from 0 to 1`);
    requireSameTensors(merged, a);
    requireSameTensors(merged, alignedB);
    if (kind === "bn-reset") return resetModel(merged, data, options);
    const passes = countedPasses(onProgress);
    if (ends === undefined) ends = await measureEnds([a, alignedB], data, options, passes);
    else passes.expect(ends.a.size * data.count);
    const targets = blendStatistics(ends.a, ends.b, lambda);
    const onImages = passes.next(ends.a.size * data.count);
    return foldInto(merged, data, targets, { ...options, kind, onImages });
  };
}

/** Passes over images that are reported as one long one. */
interface Passes {
  /** So many images more will be run. */
  expect(images: number): void;
  /** Progress of the next pass, over so many images. */
  next(images: number): (done: number) => void;
}

function countedPasses(onProgress: OnProgress | undefined): Passes {
  let [before, total] = [0, 0];
  return {
    expect(images) {
      total += images;
    },
    next(images) {
      const base = before;
      before += images;
      return (done) => onProgress?.({ stage: "repair", done: base + done, total });
    },
  };
}

async function resetModel(merged: Model, data: Dataset, options: RepairOptions): Promise<RepairedModel> {
  const { batch = 500, signal, onProgress, executor } = options;
  const network = await openRepairable(merged, executor);
  try {
    checkData(network, data, { labels: false });
    const onImages = (done: number): void => onProgress?.({ stage: "repair", done, total: data.count });
    const values = batchNormsOf(network, data);
    await network.resetStatistics(data, { batch, signal, onImages });
    const places = values.map((value): RepairedValue => ({ value, scale: [1, 1, 1], dead: 0 }));
    const model = await tagged(network, "bn-reset", data);
    return { model, report: { kind: "bn-reset", images: data.count, places, unshifted: [], addedBiases: [] } };
  } finally {
    network.dispose();
  }
}

/** What A and the aligned B do at each place. */
interface EndStatistics {
  readonly a: ReadonlyMap<string, ChannelStatistics>;
  readonly b: ReadonlyMap<string, ChannelStatistics>;
}

async function measureEnds(
  [a, b]: readonly [Model, Model],
  data: Dataset,
  { batch = BATCH, at = "linear", signal, executor }: Pick<RepairOptions, "batch" | "at" | "signal" | "executor">,
  passes: Passes,
): Promise<EndStatistics> {
  const network = await openRepairable(a, executor);
  try {
    checkData(network, data, { labels: false });
    const values = repairPlaces(network.graph, at).map(({ value }) => value);
    if (values.length === 0) throw new RangeError(`${a.name} has nothing to repair, expected hidden channels`);
    passes.expect((2 + values.length) * data.count);
    const measure = () => network.statistics(data, values, { batch, signal, onImages: passes.next(data.count) });
    const ofA = await measure();
    await network.load(b);
    return { a: ofA, b: await measure() };
  } finally {
    network.dispose();
  }
}

interface Folding extends Pick<RepairOptions, "at" | "addBias" | "batch" | "signal" | "executor"> {
  readonly kind: AffineKind;
  readonly onImages: (done: number) => void;
}

async function foldInto(
  merged: Model,
  data: Dataset,
  targets: ReadonlyMap<string, ChannelStatistics>,
  { kind, at = "linear", addBias = false, batch = BATCH, signal, executor, onImages }: Folding,
): Promise<RepairedModel> {
  const { network, added } = await openForRepair(merged, {
    ...{ at, addBias: addBias && kind !== "rescale", signal, executor },
  });
  try {
    const places = repairPlaces(network.graph, at);
    const repaired = await repairInOrder(network, data, places, targets, { batch, signal, onImages, kind });
    const unshifted = kind === "rescale" ? [] : places.filter(({ shifted }) => shifted === undefined);
    const report: RepairReport = {
      kind,
      images: data.count,
      places: repaired.map(summary),
      unshifted: unshifted.map(({ value }) => value),
      addedBiases: added,
    };
    return { model: await tagged(network, kind, data), report };
  } finally {
    network.dispose();
  }
}

async function tagged(network: Repairable, kind: RepairKind, { count }: Dataset): Promise<Model> {
  const model = await network.toModel();
  const tensors = new Map<string, TensorData>();
  for (const [name, info] of model.tensors) tensors.set(name, { ...info, data: await model.read(name) });
  const metadata = new Map([...model.metadata, ["rebasin.repair", kind], ["rebasin.repair.images", String(count)]]);
  return memoryModel(tensors, { name: model.name, metadata });
}

function summary({ value, affine: { scale }, dead }: RepairedPlace): RepairedValue {
  const sum = scale.reduce((total, each) => total + each, 0);
  const least = scale.reduce((low, each) => Math.min(low, each), Number.POSITIVE_INFINITY);
  const most = scale.reduce((high, each) => Math.max(high, each), 0);
  return { value, scale: [least, sum / scale.length, most], dead };
}

function checkRepairOptions(options: Omit<RepairOptions, "lambda">): void {
  const { lambda: _, ...kinds } = OPTIONS;
  checkOptions("repair", options, kinds);
  const { kind, at = "linear", batch = 1 } = options;
  if (!REPAIR_KINDS.includes(kind))
    throw new RangeError(`repair "${kind}", expected one of ${REPAIR_KINDS.join(", ")}`);
  if (at !== "linear" && at !== "norms" && at !== "both")
    throw new RangeError(`at "${at}", expected "linear", "norms" or "both"`);
  if (!Number.isSafeInteger(batch) || batch < 1) throw new RangeError(`batch ${batch}, expected a positive integer`);
}
