/** Choosing among several good matchings by what their midpoints do on data: the objective alone is a noisy guide. */

import type { Spec } from "../axes/types.ts";
import type { Model } from "../base/model.ts";
import { checkOptions, type OptionKinds } from "../base/options.ts";
import type { Dataset } from "../data/dataset.ts";
import { mergeModels } from "../merge/merge-models.ts";
import type { Permutations } from "../perm/alignment.ts";
import { type Pair, pairOf } from "../perm/pair.ts";
import { samePermutation } from "../perm/permutation.ts";
import { checkMeasured, type Evaluate, evaluateBy } from "../run/evaluate.ts";
import type { ExecutorOptions } from "../run/executor.ts";
import { evaluateModel } from "../run/models/evaluate-model.ts";

/** Options of `matchWeights` or `matchActivations` that make one start differ from another. */
export interface Start {
  readonly seed: number;
  readonly perturb: number;
}

/** What a matching found, as far as it matters here. */
export interface FoundBySearch {
  readonly permutations: Permutations;
  readonly report: { readonly objective: number };
}

/** Options of `chooseStart`. */
export interface StartsOptions<Found extends FoundBySearch> extends ExecutorOptions {
  /** How many to try, the barycentre first. */
  readonly starts: number;
  /** Finds permutations from a start, mostly by `matchWeights(a, b, spec, start)`. */
  readonly match: (start: Start) => Promise<Found>;
  /** Where the loss is measured, of which the lowest wins: on labelled images, or by your own function. */
  readonly evaluate: Dataset | Evaluate;
  /** What is done to a midpoint before it is evaluated, such as recomputing BatchNorm's statistics. */
  readonly repair?: ((model: Model, found: Found) => Promise<Model>) | undefined;
  /** Seed of the second start; the others have those after it. Default 0. */
  readonly seed?: number | undefined;
  /** How far from the barycentre all but the first start, from 0 to 1. Default 0.25. */
  readonly perturb?: number | undefined;
  /** Where models are evaluated between A and B. Default 0.5. */
  readonly lambda?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One start and its result. */
export interface TriedStart extends Start {
  readonly objective: number;
  readonly loss: number;
  readonly accuracy: number;
}

/** The start that won, and all that were tried. */
export interface ChosenStart<Found> {
  readonly found: Found;
  /** Position in `tried`. */
  readonly chosen: number;
  readonly tried: readonly TriedStart[];
}

const OPTIONS: OptionKinds<StartsOptions<FoundBySearch>> = {
  starts: "number",
  match: "function",
  evaluate: "any",
  repair: "function",
  seed: "number",
  perturb: "number",
  lambda: "number",
  signal: "signal",
  executor: "object",
};

/**
 * Far enough to end elsewhere, near enough to end as high: from 0.5 on, objectives and accuracies of a ResNet20
 * fell.
 */
const PERTURB = 0.25;

/**
 * Matches from `starts` starts and keeps the one whose merge with A has the lowest loss (the earliest, where several
 * have it). Starts that end at the same permutations are evaluated once. A loss that is no number counts as the
 * highest.
 *
 * Errors of the callbacks and the reason of an aborted signal pass through.
 *
 * @throws {RangeError} for options out of range.
 *
 * @example
 * const { found, tried } = await chooseStart(a, b, spec, {
 *   starts: 5,
 *   match: (start) => matchWeights(a, b, spec, start),
 *   evaluate: firstImages(train, 500),
 * });
 */
export async function chooseStart<Found extends FoundBySearch>(
  a: Model,
  b: Model,
  spec: Spec | Pair,
  options: StartsOptions<Found>,
): Promise<ChosenStart<Found>> {
  checkOptions("chooseStart", options, OPTIONS);
  checkMeasured("chooseStart option evaluate", options.evaluate);
  const { starts, match, evaluate: given, repair, seed = 0, perturb = PERTURB, lambda = 0.5, signal } = options;
  const { executor } = options;
  if (!Number.isSafeInteger(starts) || starts < 1)
    throw new RangeError(`starts ${starts}, expected a positive integer`);
  if (!(perturb > 0 && perturb <= 1)) throw new RangeError(`perturb ${perturb}, expected a number above 0 and up to 1`);
  const pair = pairOf(a, b, spec);
  const evaluate: Evaluate =
    typeof given === "function"
      ? (model) => evaluateBy(given, model)
      : (model) => evaluateModel(model, given, { signal, executor });
  const found: Found[] = [];
  const tried: TriedStart[] = [];
  for (let at = 0; at < starts; at++) {
    signal?.throwIfAborted();
    const start: Start = at === 0 ? { seed, perturb: 0 } : { seed: seed + at - 1, perturb };
    const matching = await match(start);
    const { objective } = matching.report;
    const same = found.findIndex((other) => sameMatching(other.permutations, matching.permutations));
    found.push(matching);
    if (same >= 0) {
      const { loss, accuracy } = tried[same]!;
      tried.push({ ...start, objective, loss, accuracy });
      continue;
    }
    const merged = await mergeModels(a, b, pair, matching.permutations, { lambda });
    const { loss, accuracy } = await evaluate(repair === undefined ? merged : await repair(merged, matching));
    tried.push({ ...start, objective, loss, accuracy });
  }
  const chosen = lowest(tried.map(({ loss }) => (Number.isNaN(loss) ? Number.POSITIVE_INFINITY : loss)));
  return { found: found[chosen]!, chosen, tried };
}

function sameMatching(one: Permutations, other: Permutations): boolean {
  return [...one].every(([name, p]) => samePermutation(p, other.get(name)!));
}

function lowest(values: readonly number[]): number {
  return values.reduce((best, value, at) => (value < values[best]! ? at : best), 0);
}
