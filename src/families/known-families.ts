/** The families that names and shapes identify, loaded together: they share most of their code. */

import { SpecError } from "../base/errors.ts";
import { type Module, readModules, type Tensors } from "./modules.ts";
import type { Told } from "./options.ts";
import { findBlocks } from "./resnet-blocks.ts";

// What loads on demand comes from here, so that it is one file: a first detection waits for each.
export { mlpChain, mlpSpec } from "./mlp.ts";
export { listModule, readModules } from "./modules.ts";
export { residualNetwork, resnetSpec } from "./resnet.ts";
export { vggChain, vggSpec } from "./vgg.ts";

/** The family whose reason counts when the model is of none. */
export function likelyFamily(tensors: Tensors, told: Told): "mlp" | "resnet" | "vgg" {
  if (![...tensors.values()].some(({ shape }) => shape.length > 2)) return "mlp";
  let modules: readonly Module[];
  try {
    ({ modules } = readModules(tensors));
  } catch (error) {
    if (error instanceof SpecError) return "vgg"; // which says the same
    throw error;
  }
  if (!modules.some(({ kind }) => kind === "conv")) return "mlp";
  return !told.isChain && findBlocks(modules) !== null ? "resnet" : "vgg";
}
