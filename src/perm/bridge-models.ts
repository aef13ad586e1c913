/** Models that differ a little, made to hold the same tensors. What does it is loaded with the first that differ. */

import type { Spec } from "../axes/types.ts";
import { DTYPES } from "../base/dtype.ts";
import type { Model } from "../base/model.ts";
import { checkOptions, type OptionKinds } from "../base/options.ts";
import type { Bridge, BridgeOptions, ModelComparison } from "./bridge-types.ts";
import { holdsSame } from "./same-tensors.ts";

/** The kinds of its options. */
export const BRIDGE_OPTIONS: OptionKinds<BridgeOptions> = {
  keepA: "list",
  dtype: "string",
  prefixA: "string",
  allowNonfinite: "boolean",
  signal: "signal",
};

const load = (): Promise<typeof import("./bridge.ts")> => import("./bridge.ts");

/**
 * Views of models that hold the same tensors under the first one's names. Words that wrap all names of one side are
 * left out (`module.`, `_orig_mod.`, `model.`). Floats of different dtypes are read as F32 or wider. Counters and
 * buffers that one file lacks come from the first that has them. Equal models are returned as they are.
 *
 * @throws {SpecError} when the models differ in more than that; the message lists the differences and what to do.
 * @throws {TypeError} for an unknown option.
 * @throws {RangeError} for a `dtype` that is no float, and a name of `keepA` that fits no tensor.
 *
 * @example
 * const { models, notes, restore } = await bridgeModels([a, b]);
 * const [x, y] = [models[0]!, models[1]!];
 * const pair = pairOf(x, y, await detectSpec(x));
 * const { alignment } = await matchWeights(x, y, pair);
 * const merged = restore(await mergeModels(x, y, pair, alignment));
 */
export async function bridgeModels(models: readonly Model[], options: BridgeOptions = {}): Promise<Bridge> {
  checkOptions("bridgeModels", options, BRIDGE_OPTIONS);
  const { keepA, dtype, prefixA } = options;
  if (dtype !== undefined && !(Object.hasOwn(DTYPES, dtype) && DTYPES[dtype].kind === "float"))
    throw new RangeError(`dtype ${JSON.stringify(dtype)}, expected a float dtype such as F32, F16 or BF16`);
  const [a] = models;
  const equal =
    keepA === undefined && dtype === undefined && prefixA === undefined && models.every((b) => holdsSame(a!, b));
  if (!equal || models.some(hasWholeNumbers)) return (await load()).bridge(models, options);
  return { models, notes: [], fit: (spec) => spec, restore: (merged) => merged };
}

/**
 * What keeps `b` from being merged with `a`, and what differs and is bridged. `compareTensors` is the strict question.
 *
 * @example
 * const { differences, notes } = await compareModels(a, b);
 */
export async function compareModels(a: Model, b: Model, options: BridgeOptions = {}): Promise<ModelComparison> {
  checkOptions("compareModels", options, BRIDGE_OPTIONS);
  return (await load()).compare(a, b, options);
}

/** The spec under the names that `model` has for its tensors: a permutation file may be of a file with other names. */
export async function specFor(model: Model, spec: Spec, signal?: AbortSignal): Promise<Spec> {
  const { tensors } = model;
  if (tensors.size === spec.tensors.size && [...tensors.keys()].every((name) => spec.tensors.has(name))) return spec;
  return (await load()).renameSpec(model, spec, signal);
}

const hasWholeNumbers = ({ tensors }: Model): boolean =>
  [...tensors.values()].some(({ dtype }) => DTYPES[dtype].kind !== "float");
