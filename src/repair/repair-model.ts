/** Repair of merged networks: their activations are not those of the networks they were made of. */

import type { Model } from "../base/model.ts";
import type { Dataset } from "../data/dataset.ts";
import { requireSameTensors } from "../perm/same-tensors.ts";
import { checkData } from "../run/check-data.ts";
import { batchNormsOf } from "./batch-norms.ts";
import type { ChannelStatistics } from "./channel-statistics.ts";
import { openForRepair, openRepairable } from "./open-repairable.ts";
import { checkRepairOptions, type RepairOptions, sharesOf } from "./options.ts";
import { countedPasses, type Passes } from "./passes.ts";
import { repairPlaces } from "./places.ts";
import { type AffineKind, blendStatistics, type RepairedPlace, repairInOrder } from "./repair-places.ts";
import { type RepairedModel, type RepairedValue, type RepairReport, tagged } from "./report.ts";

/** Images at a time of all repairs but `bn-reset` and `least-squares`. */
const BATCH = 250;

/** Repairs a merge of one pair at `lambda`, which is the share of B in it. */
export type PairRepair = (merged: Model, lambda: number) => Promise<RepairedModel>;

/**
 * Repairs the merge of aligned models, its parents, by what all of them do on the images of `data`; labels are not
 * used. `least-squares` solves one operation after another for the parents' mean outputs. The other kinds bring means
 * and standard deviations of channels to the parents' mean, place by place. Each place is measured after the repairs
 * before it. The result is a plain model. For `bn-reset`, the parents are not run.
 *
 * @throws {SpecError} when the models do not hold the same tensors.
 * @throws {TypeError} for an unknown option.
 * @throws {RangeError} for options out of range, a network of no known family, data that do not fit and fewer than two
 * images. Also for `bn-reset` without BatchNorm, NaN or infinity in an activation, and too little memory.
 *
 * @example
 * const { model } = await repairModel(merged, [a, alignedB], firstImages(train, 500), { kind: "least-squares" });
 */
export async function repairModel(
  merged: Model,
  parents: readonly Model[],
  data: Dataset,
  options: RepairOptions,
): Promise<RepairedModel> {
  const { weights, ...rest } = options;
  return mergeRepair("repairModel", parents, data, rest)(merged, sharesOf(weights, parents.length));
}

/**
 * What repairs merges of A and the aligned B at any λ, as `repairModel` does. For the kinds that set statistics right,
 * A and B are run once for all of them. Throws as `repairModel` does; for faults of the models, when the first merge is
 * repaired.
 *
 * @example
 * const repair = pairRepair(a, alignedB, firstImages(train, 10_000), { kind: "repair" });
 * const curves = await sampleCurves({ a, b, spec, permutations }, new Map([["test", data]]), { repair });
 */
export function pairRepair(
  a: Model,
  alignedB: Model,
  data: Dataset,
  options: Omit<RepairOptions, "weights">,
): PairRepair {
  const repair = mergeRepair("pairRepair", [a, alignedB], data, options);
  return async (merged, lambda) => {
    if (!(lambda >= 0 && lambda <= 1)) throw new RangeError(`lambda ${lambda}, expected a number from 0 to 1`);
    return repair(merged, [1 - lambda, lambda]);
  };
}

/** What repairs merges of `parents` with any shares. */
function mergeRepair(
  caller: string,
  parents: readonly Model[],
  data: Dataset,
  options: Omit<RepairOptions, "weights">,
): (merged: Model, weights: readonly number[]) => Promise<RepairedModel> {
  checkRepairOptions(caller, options);
  const { kind, onProgress } = options;
  if (data.count === 1) throw new RangeError(`${data.name} has 1 image, expected at least 2 for statistics`);
  let found: ReadonlyMap<string, ChannelStatistics>[] | undefined;
  return async (merged, weights) => {
    for (const parent of parents) requireSameTensors(merged, parent);
    if (kind === "bn-reset") return resetModel(merged, data, options);
    if (kind === "least-squares") {
      // Loaded on demand, with its wasm.
      const { leastSquares } = await import("./least-squares/least-squares.ts");
      return leastSquares(merged, parents, data, { ...options, weights });
    }
    const passes = countedPasses(onProgress);
    if (found === undefined) found = await measureParents(parents, data, options, passes);
    else passes.expect(found[0]!.size * data.count);
    const targets = blendStatistics(found, weights);
    const onImages = passes.next(targets.size * data.count);
    return foldInto(merged, data, targets, { ...options, kind, onImages });
  };
}

async function resetModel(
  merged: Model,
  data: Dataset,
  options: Pick<RepairOptions, "batch" | "signal" | "onProgress" | "executor">,
): Promise<RepairedModel> {
  const { batch = 500, signal, onProgress, executor } = options;
  const network = await openRepairable(merged, executor);
  try {
    await checkData(network, data, { labels: false });
    const onImages = (done: number): void => onProgress?.({ stage: "repair", done, total: data.count });
    const values = batchNormsOf(network, data);
    await network.resetStatistics(data, { batch, signal, onImages });
    const places = values.map((value): RepairedValue => ({ value, scale: [1, 1, 1], dead: 0 }));
    const nothing = { operations: [], unshifted: [], addedBiases: [], leftOut: network.graph.leftOut };
    const model = await tagged(await network.toModel(), "bn-reset", data, merged);
    return { model, report: { kind: "bn-reset", images: data.count, places, ...nothing } };
  } finally {
    network.dispose();
  }
}

/** What each parent does at each place. */
async function measureParents(
  parents: readonly Model[],
  data: Dataset,
  { batch = BATCH, at = "linear", signal, executor }: Pick<RepairOptions, "batch" | "at" | "signal" | "executor">,
  passes: Passes,
): Promise<ReadonlyMap<string, ChannelStatistics>[]> {
  const [first] = parents as [Model];
  const network = await openRepairable(first, executor);
  try {
    await checkData(network, data, { labels: false });
    const values = repairPlaces(network.graph, at).map(({ value }) => value);
    if (values.length === 0) throw new RangeError(`${first.name} has nothing to repair, expected hidden channels`);
    passes.expect((parents.length + values.length) * data.count);
    const found: ReadonlyMap<string, ChannelStatistics>[] = [];
    for (const parent of parents) {
      if (parent !== first) await network.load(parent);
      const onImages = passes.next(data.count);
      found.push(await network.statistics(data, values, { batch, signal, onImages }));
    }
    return found;
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
    at,
    addBias: addBias && kind !== "rescale",
    signal,
    executor,
  });
  try {
    const places = repairPlaces(network.graph, at);
    const repaired = await repairInOrder(network, data, places, targets, { batch, signal, onImages, kind });
    const unshifted = kind === "rescale" ? [] : places.filter(({ shifted }) => shifted === undefined);
    const report: RepairReport = {
      kind,
      images: data.count,
      places: repaired.map(summary),
      operations: [],
      unshifted: unshifted.map(({ value }) => value),
      addedBiases: added,
      leftOut: network.graph.leftOut,
    };
    return { model: await tagged(await network.toModel(), kind, data, merged), report };
  } finally {
    network.dispose();
  }
}

function summary({ value, affine: { scale }, dead }: RepairedPlace): RepairedValue {
  const sum = scale.reduce((total, each) => total + each, 0);
  const least = scale.reduce((low, each) => Math.min(low, each), Number.POSITIVE_INFINITY);
  const most = scale.reduce((high, each) => Math.max(high, each), 0);
  return { value, scale: [least, sum / scale.length, most], dead };
}
