/** A network whose channels are measured, scaled and shifted: what a repair needs, on any runtime. */

import type { Model } from "../base/model.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Graph } from "../graph/graph.ts";
import type { Network } from "../run/executor.ts";
import type { BatchOptions } from "../run/image-batches.ts";
import type { ChannelStatistics } from "./channel-statistics.ts";
import type { RepairPlace } from "./places.ts";

/** `value · scale + shift`, one entry for each channel. */
export interface ChannelAffine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** Measures a network that changes on the way: each value after the changes before it. */
export interface Walk {
  /** Statistics of a value with the network's tensors as they are; values must come in the graph's order. */
  measure(value: string, onImages?: (done: number) => void): Promise<ChannelStatistics>;
  /** Declares that the value measured last is now scaled and shifted by the network itself. */
  change(affine: ChannelAffine): void;
  /** Frees what waits. */
  dispose(): void;
}

/** A model that is being repaired. Dispose it. */
export interface Repairable extends Pick<Model, "name" | "tensors"> {
  readonly graph: Graph;
  /** Asked for shapes, where the graph does not show them. */
  readonly network?: Pick<Network, "shapes"> | undefined;
  /** Statistics of several values in one pass; what comes after the last of them is not computed. */
  statistics(data: Dataset, values: readonly string[], options: BatchOptions): Promise<Map<string, ChannelStatistics>>;
  /**
   * Replaces the running mean and variance of every BatchNorm by the simple average, over batches, of each batch's mean
   * and unbiased variance in training mode, as PyTorch does with `momentum=None`.
   */
  resetStatistics(data: Dataset, options: BatchOptions): Promise<void>;
  /** A walk over `data`. The network may change only at the value measured last, with `change`. */
  walk(data: Dataset, options: BatchOptions): Walk;
  /** Folds what a place can take: a scale where it has a tensor for that, a shift where it has one for that. */
  fold(place: RepairPlace, affine: ChannelAffine): void;
  /** Takes over the tensors of another model, which has the same names and shapes. */
  load(model: Model): Promise<void>;
  /** The tensors as they are now, in the file's layout and dtypes, rounded to nearest even: a copy. */
  toModel(): Promise<Model>;
  dispose(): void;
}
