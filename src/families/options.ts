/** What users can state of a model where names and shapes do not show it. */

import { SpecError } from "../base/errors.ts";
import { ASSUME, ORDER } from "../base/network-notes.ts";
import { NORM_GROUPS } from "../base/norm-groups.ts";
import { checkOptions, type OptionKinds } from "../base/options.ts";
import type { Module } from "./modules.ts";

/** What detection knows in addition to names and shapes. */
export interface DetectOptions {
  /**
   * Names of the model's tensors or modules in the order in which they run: convolutions and dense tensors, and its
   * norms or none of them.
   */
  readonly order?: readonly string[] | undefined;
  /** Groups of each norm without running statistics: 1 for LayerNorm, the number of channels for InstanceNorm. */
  readonly normGroups?: number | undefined;
  /** Heads of attention, or units of a head, where no `config.json` has them: shapes then give the other. */
  readonly heads?: number | undefined;
  readonly headDim?: number | undefined;
  /** The content of a `config.json`, as parsed; by default that beside the model is read, where a table asks for it. */
  readonly config?: object | undefined;
  /**
   * `"chain"`: the model is a plain chain, even if its words are not those of one; numbers and shapes must still show
   * the order.
   */
  readonly assume?: "chain" | undefined;
}

/** What users state of a network's heads; a spec file excludes it. */
export const DETECT_KEYS = ["order", "normGroups", "heads", "headDim", "config", "assume"] as const;

/** The options of detection among others, and the others. */
export function splitDetection<T extends DetectOptions>(options: T): [DetectOptions, Omit<T, keyof DetectOptions>] {
  const { order, normGroups, heads, headDim, config, assume, ...rest } = options;
  return [{ order, normGroups, heads, headDim, config, assume }, rest];
}

export const DETECT_OPTIONS: OptionKinds<DetectOptions> = {
  order: "list",
  normGroups: "number",
  heads: "number",
  headDim: "number",
  config: "object",
  assume: "string",
};

/** The input of families: the options, and the notes in the model's metadata. */
export interface Told extends DetectOptions {
  /** The user states that the model is a chain: words and structure are not looked at. */
  readonly isChain: boolean;
}

/** Checks options and adds the notes in the metadata. Throws `TypeError` and `RangeError` for invalid options. */
export function toldOf(options: DetectOptions, metadata: ReadonlyMap<string, string> | undefined): Told {
  checkOptions("detection", options, DETECT_OPTIONS);
  const {
    order = metadataOrder(metadata),
    normGroups = metadataGroups(metadata),
    assume = metadata?.get(ASSUME) === "chain" ? "chain" : undefined,
  } = options;
  const { heads, headDim, config } = options;
  for (const [name, value] of Object.entries({ normGroups, heads, headDim }))
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0))
      throw new RangeError(`${name} ${value}, expected a positive integer`);
  if (assume !== undefined && assume !== "chain")
    throw new RangeError(`assume ${JSON.stringify(assume)}, expected "chain"`);
  return {
    order,
    normGroups,
    heads,

    headDim,
    config,
    assume,
    isChain: order !== undefined || assume === "chain",
  };
}

function metadataGroups(metadata: ReadonlyMap<string, string> | undefined): number | undefined {
  const text = metadata?.get(NORM_GROUPS);
  const groups = Number(text);
  return text !== undefined && Number.isSafeInteger(groups) && groups > 0 ? groups : undefined;
}

function metadataOrder(metadata: ReadonlyMap<string, string> | undefined): string[] | undefined {
  const text = metadata?.get(ORDER);
  if (text === undefined) return undefined;
  try {
    const order: unknown = JSON.parse(text);
    return Array.isArray(order) && order.every((each) => typeof each === "string") ? order : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The modules that `names` name, one after the other. Throws `SpecError` for names of no module, for two of one, and
 * unless every convolution and dense tensor is named, and every norm or none.
 */
export function orderedModules(modules: readonly Module[], names: readonly string[]): Module[] {
  const byName = new Map<string, Module>();
  for (const module of modules) {
    byName.set(module.path, module);
    for (const name of module.tensors.values()) {
      byName.set(name, module).set(name.replace(/[./][^./]*$/, ""), module);
    }
  }
  const ordered = names.map((name) => {
    const module = byName.get(name);
    if (module === undefined)
      throw new SpecError(`order has ${JSON.stringify(name)}, expected a tensor or module of the model`);
    return module;
  });
  const twice = ordered.find((module, i) => ordered.indexOf(module) !== i);
  if (twice !== undefined) throw new SpecError(`order has ${twice.name} twice, expected each module once`);
  const someNorm = ordered.some(({ kind }) => kind === "norm");
  const missing = modules.find((module) => !ordered.includes(module) && (someNorm || module.kind !== "norm"));
  if (missing === undefined) return ordered;
  throw new SpecError(`order lacks ${missing.name}, expected all but norms, or all, first to last`);
}
