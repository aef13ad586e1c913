/** Options of repairs, and checks of them. */

import { checkOptions, type OptionKinds, RUNNING, type Running } from "../base/options.ts";
import type { ExecutorOptions } from "../run/executor.ts";
import type { Need } from "./least-squares/need.ts";
import type { RepairAt } from "./places.ts";
import { REPAIR_KINDS, type RepairKind } from "./report.ts";

/** Options of `repairModel`. Progress is of stage `repair`, in images over all passes. */
export interface RepairOptions extends Running, ExecutorOptions {
  readonly kind: RepairKind;
  /** Share of each parent in the targets, as in the merge; they add up to 1. Default: equal shares. */
  readonly weights?: readonly number[] | undefined;
  /**
   * Which values are repaired; not of `least-squares`, which solves all, nor of `bn-reset`. Default "linear": outputs
   * of convolutions and matrices, as the paper does. With LayerNorm, "norms" is the better choice: a norm has its own
   * shift, and what follows reads its output.
   */
  readonly at?: RepairAt | undefined;
  /**
   * `least-squares`: how strongly the merged tensors are held to, relative to the mean square of what an operation
   * reads (ρ in λ = ρ·tr(XᵀX)/K). Default 0.01; the results hardly change between 0.001 and 0.1.
   */
  readonly ridge?: number | undefined;
  /**
   * `least-squares`: divides the logits by the temperature at which they are as sure as the mean of the parents.
   * Default false.
   */
  readonly temperature?: boolean | undefined;
  /**
   * Images at a time: bounds memory. For `bn-reset` it is part of what is computed (default 500); else it changes
   * results by rounding alone (default 250, `least-squares` 100).
   */
  readonly batch?: number | undefined;
  /** A convolution or matrix without bias gains one, so that it can be shifted. Default false: its shift is left out. */
  readonly addBias?: boolean | undefined;
  /** `least-squares`: called before anything runs, with the memory that the largest operation will take. */
  readonly onNeed?: ((need: Need) => void) | undefined;
}

const OPTIONS: OptionKinds<RepairOptions> = {
  kind: "string",
  weights: "list",
  at: "string",
  ridge: "number",
  temperature: "boolean",
  batch: "number",
  addBias: "boolean",
  onNeed: "function",
  executor: "object",
  ...RUNNING,
};

/**
 * Throws `TypeError` for unknown options, `RangeError` for values out of range and options that the kind does not
 * have.
 */
export function checkRepairOptions(caller: string, options: Omit<RepairOptions, "weights">): void {
  const { weights: _, ...kinds } = OPTIONS;
  checkOptions(caller, options, kinds);
  const { kind, at = "linear", batch = 1, ridge = 0 } = options;
  if (!REPAIR_KINDS.includes(kind))
    throw new RangeError(`repair "${kind}", expected one of ${REPAIR_KINDS.join(", ")}`);
  if (at !== "linear" && at !== "norms" && at !== "both")
    throw new RangeError(`at "${at}", expected "linear", "norms" or "both"`);
  if (!Number.isSafeInteger(batch) || batch < 1) throw new RangeError(`batch ${batch}, expected a positive integer`);
  if (!(ridge >= 0 && ridge <= MOST_RIDGE))
    throw new RangeError(`ridge ${ridge}, expected a number from 0 to ${MOST_RIDGE}`);
  const only = kind === "least-squares" ? "at" : options.ridge !== undefined ? "ridge" : "temperature";
  if (options[only] !== undefined && options[only] !== false)
    throw new RangeError(
      `${only} is ${kind === "least-squares" ? "not " : ""}for repair least-squares, expected no ${only} with ${kind}`,
    );
}

/** Far beyond what changes anything. */
export const MOST_RIDGE = 1e6;

/** The shares of `parents` parents. Throws `RangeError` unless they are one for each, from 0 to 1, with sum 1. */
export function sharesOf(weights: readonly number[] | undefined, parents: number): readonly number[] {
  if (parents < 1) throw new RangeError("parents [], expected at least one");
  if (weights === undefined) return Array.from({ length: parents }, () => 1 / parents);
  const sum = weights.reduce((total, each) => total + each, 0);
  if (weights.length !== parents || weights.some((each) => !(each >= 0)) || !(Math.abs(sum - 1) <= 1e-6))
    throw new RangeError(`weights ${weights.join(", ")}, expected ${parents} numbers from 0 on with sum 1`);
  return weights;
}
