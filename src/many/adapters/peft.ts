/** Adapters as PEFT writes them: `base_model.model.….lora_A.weight`, `….lora_B.weight`, and `adapter_config.json`. */

import { SpecError } from "../../base/errors.ts";
import type { Model } from "../../base/model.ts";
import { type LowRank, type Parts, partnerOf, rankOf, strangers } from "./low-rank.ts";

/** Leading words of module names that one side may lack (`transformer.h.0` of a file that has `h.0`). */
const WORDS = 3;

interface Found {
  readonly module: string;
  readonly name: string;
  readonly kind: "linear" | "embedding" | "whole";
}

/**
 * The adapter in the file and its configuration. Throws `SpecError` for what has no place in the base or is not
 * supported.
 */
export function readPeft(adapter: Model, base: Model, config: object | undefined): Parts {
  const settings = checkConfig(adapter, config);
  const found = [...adapter.tensors.keys()].flatMap((name) => foundAs(adapter, name) ?? []);
  const targetOf = targets(adapter, base, found);
  const pairs = new Map<string, LowRank>();
  const whole = new Map<string, string>();
  for (const each of found) {
    const target = targetOf(each);
    if (each.kind === "whole") whole.set(target, each.name);
    else pairs.set(target, lowRankOf(adapter, each, target, settings));
  }
  return { pairs, whole };
}

/** What a tensor is; undefined for the second factor of a pair. */
function foundAs(adapter: Model, name: string): Found | undefined {
  const own = name.replace(/^base_model\.model\./, "");
  const linear = /^(.*)\.lora_([AB])(\.[^.]+)?\.weight$/.exec(own);
  const embedding = /^(.*)\.lora_embedding_([AB])(\.[^.]+)?$/.exec(own);
  const [, module, factor] = linear ?? embedding ?? [];
  if (module === undefined) {
    if (/lora|hada|lokr|magnitude/i.test(own))
      throw new SpecError(
        `${adapter.name} has ${name}, expected lora_A and lora_B alone (no DoRA, no bias of factors)`,
      );
    return { module: own.replace(/\.modules_to_save(\.[^.]+)?(?=\.)/, ""), name, kind: "whole" };
  }
  partnerOf(adapter, name, name.replace(FACTOR, factorName(factor === "A" ? "B" : "A")));
  return factor === "A" ? { module, name, kind: linear ? "linear" : "embedding" } : undefined;
}

const FACTOR = /lora_(embedding_)?[AB]/;
const factorName = (factor: string) => (_: string, embedding: string | undefined) => `lora_${embedding ?? ""}${factor}`;

/** The base's tensor of each module: by its name, or by that without the same leading words for all. */
function targets(adapter: Model, base: Model, found: readonly Found[]): (each: Found) => string {
  let missing: string[] = [];
  for (let words = 0; words <= WORDS; words++) {
    const nameOf = ({ module, kind }: Found): string => {
      const own = module.split(".").slice(words).join(".");
      return kind === "whole" ? own : `${own}.weight`;
    };
    const lacking = found.filter((each) => !base.tensors.has(nameOf(each))).map(({ module }) => module);
    if (lacking.length === 0) return nameOf;
    if (words === 0) missing = lacking;
  }
  throw strangers(adapter, base, missing);
}

interface Settings {
  readonly alpha: number;
  readonly alphas: readonly (readonly [string, number])[];
  readonly isRootScaled: boolean;
  readonly isTurned: boolean;
}

function lowRankOf(adapter: Model, { module, name: a, kind }: Found, target: string, settings: Settings): LowRank {
  const b = a.replace(FACTOR, factorName("B"));
  const rank = rankOf(adapter, a);
  const [, alpha] = settings.alphas.find(([key]) => module === key || module.endsWith(`.${key}`)) ?? [
    "",
    settings.alpha,
  ];
  const scale = alpha / (settings.isRootScaled ? Math.sqrt(rank) : rank);
  return { target, a, b, rank, scale, isTurned: kind === "embedding" || settings.isTurned };
}

/** Starts that change the base's own tensors: without that change, the factors mean nothing. */
const CHANGES_BASE = /^(pissa|olora|corda|loftq|lora_ga)/i;

function checkConfig(adapter: Model, config: object | undefined): Settings {
  if (config === undefined)
    throw new SpecError(
      `${adapter.name} has LoRA factors and no configuration, expected adapter_config.json beside it`,
    );
  const said = config as Readonly<Record<string, unknown>>;
  const refuse = (key: string, expected: string): never => {
    throw new SpecError(
      `${adapter.name}: ${key} of its configuration is ${JSON.stringify(said[key])}, expected ${expected}`,
    );
  };
  if (said.peft_type !== undefined && said.peft_type !== "LORA") refuse("peft_type", '"LORA"');
  if (said.use_dora === true) refuse("use_dora", "false: DoRA is not supported");
  if (said.layer_replication != null) refuse("layer_replication", "none");
  if (typeof said.init_lora_weights === "string" && CHANGES_BASE.test(said.init_lora_weights))
    refuse("init_lora_weights", "a start that leaves the base as it is");
  if (typeof said.lora_alpha !== "number" || !Number.isFinite(said.lora_alpha)) refuse("lora_alpha", "a number");
  const alphas = Object.entries(said.alpha_pattern ?? {}).map(([key, alpha]) => {
    if (typeof alpha !== "number" || !/^[\w.]+$/.test(key)) refuse("alpha_pattern", "numbers by names of modules");
    return [key, alpha as number] as const;
  });
  const [isRootScaled, isTurned] = [said.use_rslora === true, said.fan_in_fan_out === true];
  return { alpha: said.lora_alpha as number, alphas, isRootScaled, isTurned };
}
