/** Activation matching: permutations from the activations of units on data, alone or together with the weights. */

import type { ResolvedSpec, Spec } from "../axes/types.ts";
import type { Model } from "../base/model.ts";
import { COMPUTING, type Computing, checkOptions, type OptionKinds, RUNNING, type Running } from "../base/options.ts";
import { startClock } from "../base/progress.ts";
import type { Dataset } from "../data/dataset.ts";
import { CHOICE, type Choice, choosePermutations } from "../match/costs/choose-permutations.ts";
import { matchCosts } from "../match/match-costs.ts";
import { type MatchOptions, type MatchReport, matchWeights } from "../match/match-weights.ts";
import type { Alignment } from "../perm/alignment.ts";
import { type Pair, pairOf } from "../perm/pair.ts";
import type { ExecutorOptions } from "../run/executor.ts";
import { activationCosts } from "./activation-costs.ts";
import type { ActivationCost } from "./activation-statistics.ts";

/**
 * `only` and `except` choose the permutations that may move, by name or `prefix*`; the rest stay in place. In
 * Correlation-permutation (Ritter-Gutierrez et al. 2025), which groups move matters more than how well.
 */
export interface ActivationOptions extends Choice, Running, Computing, ExecutorOptions {
  /** Default "correlation". */
  readonly cost?: ActivationCost | undefined;
  /** Images at a time at most. Default 100. */
  readonly batch?: number | undefined;
  /**
   * Above 0: the hybrid. Frank–Wolfe on the weights with the costs as a linear term, worth this share of the weights'
   * part (see `LinearTerm`). Default 0: the costs alone decide.
   */
  readonly share?: number | undefined;
  /** "descent": weight matching by descent from what the costs found. Only without `share`. */
  readonly polish?: "none" | "descent" | undefined;
  /** Costs found before (`activationCosts`), instead of running the models; `cost` and `batch` are not looked at then. */
  readonly costs?: ReadonlyMap<string, Float32Array> | undefined;
  /** Of `matchWeights`, for the hybrid and for `polish`. */
  readonly seed?: number | undefined;
  readonly perturb?: number | undefined;
  readonly maxSweeps?: number | undefined;
}

/** As of `matchWeights`; `objective` is that of the weights alone, to compare methods by. */
export interface ActivationReport extends MatchReport {
  readonly method: "activations" | "hybrid";
  readonly cost: ActivationCost;
  /** How many images were looked at. */
  readonly images: number;
  /** Permutations that had no costs: their units show nowhere by themselves. */
  readonly unseen: readonly string[];
}

/** What a matching by activations found. */
export interface ActivationMatching {
  /** What moves B. */
  readonly alignment: Alignment;
  /** Those of `alignment`, by name; `p[i] = j`: slot i of the aligned B is unit j of B. */
  readonly permutations: Map<string, Int32Array>;
  readonly report: ActivationReport;
}

const OPTIONS: OptionKinds<ActivationOptions> = {
  cost: "string",
  batch: "number",
  share: "number",
  polish: "string",
  costs: "object",
  seed: "number",
  perturb: "number",
  maxSweeps: "number",
  ...COMPUTING,
  executor: "object",
  ...CHOICE,
  ...RUNNING,
};

/**
 * Finds permutations of B's units by the activations of both models on the images of `data` (paper, Section 3.1). Each
 * permutation is an independent assignment; no label is needed. With `share`, activations and weights decide together.
 * Deterministic: same models, data and options, same permutations.
 *
 * Throws as `activationCosts` and `matchWeights` do.
 *
 * @example
 * const { permutations, report } = await matchActivations(a, b, await detectSpec(a), firstImages(train, 2000));
 */
export async function matchActivations(
  a: Model,
  b: Model,
  spec: Spec | Pair,
  data: Dataset,
  options: ActivationOptions = {},
): Promise<ActivationMatching> {
  checkActivationOptions(options);
  const { cost = "correlation", costs: given, batch, executor, ...matching } = options;
  const { share = 0, only, except, signal, onProgress, simd } = matching;
  const seconds = startClock();
  const pair = pairOf(a, b, spec);
  const { resolved } = pair;
  // Before the models run: that takes longest.
  choosePermutations(resolved.permutations, { only, except });
  const costs = given ?? (await activationCosts(a, b, pair, data, { cost, batch, signal, onProgress, simd, executor }));
  const { alignment, permutations, report } = await matchWeights(a, b, pair, matchingBy(costs, resolved, matching));
  return {
    alignment,
    permutations,
    report: {
      ...report,
      method: share > 0 ? "hybrid" : "activations",
      cost,
      images: data.count,
      unseen: resolved.permutations.flatMap(({ name }) => (costs.has(name) ? [] : [name])),
      seconds: seconds(),
    },
  };
}

/** Options of `matchWeights` for what comes after the costs: the hybrid, a polish, or the objectives alone. */
function matchingBy(
  costs: ReadonlyMap<string, Float32Array>,
  resolved: ResolvedSpec,
  { share = 0, polish, only, except, ...rest }: Omit<ActivationOptions, "cost" | "costs" | "batch" | "executor">,
): MatchOptions {
  const choice: Choice = { only, except };
  if (share > 0) return { ...rest, ...choice, linear: { costs, share } };
  return {
    ...rest,
    method: "coordinate",
    start: matchCosts(resolved, costs, { ...choice, simd: rest.simd }).permutations,
    // Without a polish nothing may move any more: only the objectives are computed.
    ...(polish === "descent" ? choice : { only: [] }),
  };
}

function checkActivationOptions(options: ActivationOptions): void {
  checkOptions("matchActivations", options, OPTIONS);
  const { share = 0, polish = "none", perturb = 0 } = options;
  if (!(share >= 0 && share < Number.POSITIVE_INFINITY))
    throw new RangeError(`share ${share}, expected a number from 0`);
  if (polish !== "none" && polish !== "descent")
    throw new RangeError(`polish "${polish}", expected "none" or "descent"`);
  if (polish === "descent" && share > 0)
    throw new RangeError(`polish "descent" with share ${share}, expected share 0: the hybrid has its own descent`);
  if (share === 0 && perturb > 0)
    throw new RangeError(`perturb ${perturb} with share 0, expected a share: assignments have one optimum`);
}
