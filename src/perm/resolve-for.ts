/** Resolving a spec against a model, with the model's name in what goes wrong. */

import { resolveSpec } from "../axes/resolve-spec.ts";
import type { ResolvedSpec, Spec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";

/** `resolveSpec` for the tensors of `model`. Throws `SpecError` naming the model. */
export function resolveFor(model: Model, spec: Spec): ResolvedSpec {
  return namingModel(model, () => resolveSpec(spec, model.tensors));
}

/** Runs `step`; a `SpecError` it throws is thrown again with the model's name in front. */
export function namingModel<T>(model: Pick<Model, "name">, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    throw new SpecError(`${model.name}: ${error.message}`, { cause: error });
  }
}
