/**
 * Adapters as kohya's scripts write them: `lora_unet_down_blocks_0_attn.lora_down.weight`, `….lora_up.weight`,
 * `….alpha`.
 */

import { SpecError } from "../../base/errors.ts";
import type { Model } from "../../base/model.ts";
import { type LowRank, type Parts, partnerOf, rankOf, strangers } from "./low-rank.ts";

/** Marks of the network that a module is of. */
const MARK = /^lora_(unet_|te\d*_|transformer_|prior_unet_|prior_te_)?/;

/**
 * Module names have `_` for `.`, so a module is looked up among the base's. Throws `SpecError` for what has no
 * place.
 */
export function readKohya(adapter: Model, base: Model): Parts {
  const modules = modulesOf(base);
  const pairs = new Map<string, LowRank>();
  const unknown: string[] = [];
  for (const name of adapter.tensors.keys()) {
    const [, module, factor] = /^(.*)\.(lora_down\.weight|lora_up\.weight|alpha)$/.exec(name) ?? [];
    if (module === undefined)
      throw new SpecError(
        `${adapter.name} has ${name}, expected lora_down, lora_up and alpha alone (no LoHa, LoKr, LoCon with lora_mid)`,
      );
    if (factor !== "lora_down.weight") {
      partnerOf(adapter, name, `${module}.lora_down.weight`);
      continue;
    }
    const found = modules.get(module.replace(MARK, "")) ?? [];
    if (found.length > 1)
      throw new SpecError(`${adapter.name}: ${module} is ${found.join(" or ")} of ${base.name}, expected one of them`);
    if (found.length === 0) unknown.push(module);
    else pairs.set(found[0]!, lowRankOf(adapter, module, found[0]!));
  }
  if (unknown.length > 0) throw strangers(adapter, base, unknown);
  return { pairs, whole: new Map() };
}

function lowRankOf(adapter: Model, module: string, target: string): LowRank {
  const a = `${module}.lora_down.weight`;
  const alpha = `${module}.alpha`;
  return {
    ...{ target, a, b: partnerOf(adapter, a, `${module}.lora_up.weight`), rank: rankOf(adapter, a), scale: 1 },
    alpha: adapter.tensors.has(alpha) ? alpha : undefined,
    isTurned: false,
  };
}

/** Weights of the base by their modules' names with `_` for `.`. */
function modulesOf({ tensors }: Model): Map<string, string[]> {
  const modules = new Map<string, string[]>();
  for (const name of tensors.keys()) {
    if (!name.endsWith(".weight")) continue;
    const module = name.slice(0, -".weight".length).replaceAll(".", "_");
    modules.set(module, [...(modules.get(module) ?? []), name]);
  }
  return modules;
}
