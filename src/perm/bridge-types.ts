/** What bridging models that differ a little takes and gives. */

import type { Spec } from "../axes/types.ts";
import type { Difference } from "../base/compare-tensors.ts";
import type { Dtype } from "../base/dtype.ts";
import type { Model } from "../base/model.ts";

/** What is to happen to models that differ. */
export interface BridgeOptions {
  /** Tensors to take from A alone, not from B: names, or `head.*` for all that start so. */
  readonly keepA?: readonly string[] | undefined;
  /** What floats are written in; by default that of A, tensor by tensor. */
  readonly dtype?: Dtype | undefined;
  /** What is put before the names of the result: the prefix that A was opened with. */
  readonly prefixA?: string | undefined;
  /** Write infinity where a number is too large for the dtype. Default false: such a tensor is refused. */
  readonly allowNonfinite?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One thing that was done to make models fit each other. */
export interface BridgeNote {
  /**
   * The kind. `names`: words were left out of one side's names. `dtype`: dtypes differ. `kept`: counters, buffers and
   * second names that one file lacks, or has in another shape. `kept-a`: by `keepA`. `integers`: whole numbers that
   * differ.
   */
  readonly kind: "names" | "dtype" | "kept" | "kept-a" | "integers";
  /** For people, one line. */
  readonly text: string;
  /** Names of A's tensors that it is about. */
  readonly tensors: readonly string[];
}

/** Models that hold the same tensors, and the way back. */
export interface Bridge {
  /** Lazy views of the models, by A's names; the models themselves where they are equal. */
  readonly models: readonly Model[];
  readonly notes: readonly BridgeNote[];
  /** The spec with no votes of tensors that are A's in all views. */
  fit(spec: Spec): Spec;
  /** A merge of the views, with the dtypes and the other tensors of the files. Lazy; closing it closes the merge. */
  restore(merged: Model): Model;
}

/** What `compareModels` finds. */
export interface ModelComparison {
  /** What keeps the two apart, by A's names; empty where they can be merged. */
  readonly differences: readonly Difference[];
  /** What differs and is bridged. */
  readonly notes: readonly BridgeNote[];
  /** What to do about the differences; undefined where there are none. */
  readonly advice: string | undefined;
}
