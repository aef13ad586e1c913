/** The families of networks whose specs are known, and detection by tensor names and shapes. */

import type { Spec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import { mlpSpec } from "./mlp.ts";
import type { Tensors } from "./modules.ts";
import { resnetSpec } from "./resnet.ts";
import { vggSpec } from "./vgg.ts";

/** A kind of network. */
export interface Family {
  readonly name: string;
  /** One line for lists of families. */
  readonly summary: string;
  /** The spec of a model of this family: `family`, `why` and `frozen` are set. Throws `SpecError` with the reason when it is none. */
  readonly spec: (tensors: Tensors) => Spec;
}

/** Every family, in the order in which detection tries them. No model fits two. */
export const FAMILIES: readonly Family[] = [
  { name: "mlp", summary: "dense tensors in a chain, with or without norms", spec: mlpSpec },
  {
    name: "resnet",
    summary: "residual networks: basic and bottleneck blocks, identity and convolution shortcuts",
    spec: resnetSpec,
  },
  { name: "vgg", summary: "convolutions in a chain, then dense tensors; with or without norms", spec: vggSpec },
];

/**
 * Finds the family of a model from its tensors' names and shapes. Throws `SpecError` that says for every family why it
 * does not match.
 *
 * @example
 * const spec = detectSpec(model);
 * spec.why; // "3 dense tensors in a chain 784-256-256-10, PyTorch layout"
 */
export function detectSpec(model: { readonly tensors: Tensors }): Spec {
  const reasons: string[] = [];
  for (const { name, spec } of FAMILIES) {
    try {
      return spec(model.tensors);
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      reasons.push(`${name}: ${error.message}`);
    }
  }
  throw new SpecError(`model is of no known family, expected one of these or a spec file (${reasons.join("; ")})`);
}

/** The spec of a model that is known to be of family `name`. Throws `SpecError` when it is not, or for an unknown name. */
export function familySpec(name: string, model: { readonly tensors: Tensors }): Spec {
  const family = FAMILIES.find((each) => each.name === name);
  const known = FAMILIES.map((each) => each.name).join(", ");
  if (family === undefined) throw new SpecError(`family ${JSON.stringify(name)} is unknown, expected one of ${known}`);
  return family.spec(model.tensors);
}
