/** Two models and the spec that fits both: compared and resolved once, for all that follows. */

import type { ResolvedSpec, Spec } from "../axes/types.ts";
import type { Model } from "../base/model.ts";
import type { Alignment, Permutations } from "./alignment.ts";
import { resolveFor } from "./resolve-for.ts";
import { requireSameTensors } from "./same-tensors.ts";

/**
 * Two models that hold the same tensors, and the spec that fits them. Functions that take a spec for two models
 * take this, too.
 */
export interface Pair {
  readonly a: Model;
  readonly b: Model;
  /** Bound to the models: what is saved and hashed. */
  readonly spec: Spec;
  readonly resolved: ResolvedSpec;
}

/** Two models and what aligns the second to the first. */
export interface AlignedPair {
  readonly a: Model;
  readonly b: Model;
  readonly spec: Spec | Pair;
  readonly permutations: Alignment | Permutations;
}

/**
 * Checks that `a` and `b` hold the same tensors and resolves `spec` for them. Pass the pair on in place of the spec,
 * and neither is done again. A pair of these two models is returned as it is; of a pair of others, its spec counts.
 *
 * @throws {SpecError} when the models differ in names, shapes or dtypes, or the spec does not fit them.
 *
 * @example
 * const pair = pairOf(a, b, await detectSpec(a));
 * const { alignment } = await matchWeights(a, b, pair);
 * const merged = await mergeModels(a, b, pair, alignment);
 */
export function pairOf(a: Model, b: Model, spec: Spec | Pair): Pair {
  if (isPair(spec)) return spec.a === a && spec.b === b ? spec : pairOf(a, b, spec.spec);
  requireSameTensors(a, b);
  const resolved = resolveFor(a, spec);
  return { a, b, spec: resolved.spec, resolved };
}

/** The spec resolved for one model, which may be one of the pair. Throws `SpecError` naming the model. */
export function resolvedFor(model: Model, spec: Spec | Pair): ResolvedSpec {
  if (!isPair(spec)) return resolveFor(model, spec);
  return model === spec.a || model === spec.b ? spec.resolved : resolveFor(model, spec.spec);
}

/** The spec itself. */
export function specOf(spec: Spec | Pair): Spec {
  return isPair(spec) ? spec.spec : spec;
}

function isPair(spec: Spec | Pair): spec is Pair {
  return "resolved" in spec;
}
