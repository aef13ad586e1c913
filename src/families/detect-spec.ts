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
  /** Its code, loaded when a model is first asked for it: the three here are part of the core, others come as chunks. */
  readonly load: () => Promise<FamilyCode> | FamilyCode;
}

/** What a family's code gives. */
export interface FamilyCode {
  /** The spec of a model of this family: `family`, `why` and `frozen` are set. Throws `SpecError` with the reason when it is none. */
  readonly spec: (tensors: Tensors) => Spec;
}

/** The name of a family: one of those known here, or of a later version. */
export type FamilyName = "mlp" | "resnet" | "vgg" | (string & {});

/** Every family, in the order in which detection tries them. No model fits two. */
export const FAMILIES: readonly Family[] = [
  { name: "mlp", summary: "dense tensors in a chain, with or without norms", load: () => ({ spec: mlpSpec }) },
  {
    name: "resnet",
    summary: "residual networks: basic and bottleneck blocks, identity and convolution shortcuts",
    load: () => ({ spec: resnetSpec }),
  },
  {
    name: "vgg",
    summary: "convolutions in a chain, then dense tensors; with or without norms",
    load: () => ({ spec: vggSpec }),
  },
];

/**
 * Finds the family of a model from its tensors' names and shapes. Code of families that are not in the core is loaded
 * when it is needed.
 *
 * @throws {SpecError} when no family matches, with each family's reason.
 *
 * @example
 * const spec = await detectSpec(model);
 * spec.why; // "3 dense tensors in a chain 784-256-256-10, PyTorch layout"
 */
export async function detectSpec(model: { readonly tensors: Tensors }): Promise<Spec> {
  const reasons: string[] = [];
  for (const { name, load } of FAMILIES) {
    const { spec } = await load();
    try {
      return spec(model.tensors);
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      reasons.push(`${name}: ${error.message}`);
    }
  }
  throw new SpecError(`model is of no known family, expected one of these or a spec file (${reasons.join("; ")})`);
}

/**
 * The spec of a model that is known to be of family `name`.
 *
 * @throws {SpecError} when the model is of another family, or `name` is unknown.
 *
 * @example
 * const spec = await familySpec("mlp", model);
 */
export async function familySpec(name: FamilyName, model: { readonly tensors: Tensors }): Promise<Spec> {
  const family = FAMILIES.find((each) => each.name === name);
  const known = FAMILIES.map((each) => each.name).join(", ");
  if (family === undefined) throw new SpecError(`family ${JSON.stringify(name)} is unknown, expected one of ${known}`);
  const { spec } = await family.load();
  return spec(model.tensors);
}
