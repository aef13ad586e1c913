/** Resolving a spec against a model, with the model's name in what goes wrong. */

import { SpecError } from "../errors.ts";
import { resolveSpec } from "../spec/resolve.ts";
import type { ResolvedSpec, Spec } from "../spec/types.ts";
import type { Model } from "../tensor.ts";

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
