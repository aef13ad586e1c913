/**
 * mergekit's configuration files (https://github.com/arcee-ai/mergekit) in the words of plans. What is not supported is named:
 * nothing is left out silently that would change a tensor.
 */

import { describe } from "../../base/describe.ts";
import { BLENDS } from "../../merge/blends/blends.ts";
import { PLAN_FORMAT } from "../merge-plan.ts";
import { fault, type KeyPath, type Locate } from "../shape.ts";

/** A document in the words of plans, and how its keys are found. */
export interface RecipeWords {
  readonly value: object;
  readonly locate: Locate;
  readonly layers?: number | undefined;
}

type Words = Readonly<Record<string, unknown>>;

/** True for a document in mergekit's words. */
export const isMergekit = (value: object): boolean => "merge_method" in value;

const KEYS = [
  ...["merge_method", "base_model", "models", "slices", "parameters", "dtype", "out_dtype"],
  ...["tokenizer_source", "align", "spec", "output"],
];

const DTYPES: Readonly<Record<string, string>> = { float32: "F32", float16: "F16", bfloat16: "BF16", float64: "F64" };

/** Methods whose blend has another name, or is of the same. */
const METHODS: ReadonlySet<string> = new Set([
  ...["linear", "slerp", "nuslerp", "karcher", "task_arithmetic", "ties", "dare_linear", "dare_ties", "breadcrumbs"],
  ...["breadcrumbs_ties", "della_linear", "della", "sce", "model_stock"],
]);

/** mergekit's parameters of each model. */
const OWN: ReadonlySet<string> = new Set(["weight", "density", "gamma", "epsilon"]);

/** Where keys of the plan are in the document. */
type Places = [plan: KeyPath, document: KeyPath][];

/** One model of the document. */
interface Entry {
  readonly path: string;
  readonly parameters: Words;
  /** Of the document. */
  readonly at: KeyPath;
}

/** Reads a document. Throws `FormatError` naming what is unknown or not supported. */
export function readMergekit(document: object, locate: Locate): RecipeWords {
  const given = document as Words;
  const stray = Object.keys(given).find((key) => !KEYS.includes(key));
  if (stray !== undefined) throw fault(locate([stray]), "is not supported", `one of ${KEYS.join(", ")}`);
  const method = methodOf(given, locate);
  const { entries, shared, sharedAt, layers } = entriesOf(given, locate);
  const base = baseOf(given, method, entries, locate);
  const places: Places = [[["align"], ["align"]]];
  const parts = method === "slerp" ? slerpOrder(given, entries, locate) : entries.filter(({ path }) => path !== base);
  checkWeights(method, parts, shared, locate);
  const models = parts.map((entry, i) => {
    places.push(
      [["models", i], entry.at],
      [
        ["models", i, "path"],
        [...entry.at, "model"],
      ],
    );
    const parameters = ownParameters(entry, locate, places, i);
    return { path: entry.path, parameters: Object.keys(parameters).length === 0 ? undefined : parameters };
  });
  places.push([["blend", "method"], ["merge_method"]], [["base"], ["base_model"]]);
  const blend = { method, ...sharedParameters(shared, sharedAt, method, locate, places) };
  const { align, spec } = given;
  const value = {
    format: PLAN_FORMAT,
    ...{ models, blend, spec: spec ?? undefined, base: base === undefined ? undefined : { path: base } },
    align: alignment(align, base !== undefined),
    output: outputOf(given, locate),
  };
  return { value, layers, locate: (path) => locate(placed(path, places)) };
}

/** mergekit aligns nothing; the added key states how. */
function alignment(align: unknown, hasBase: boolean): unknown {
  if (align === undefined || align === null || align === false) return { method: "none" };
  if (align === true || align === "force") return hasBase ? { force: true } : { method: "frank-wolfe" };
  return typeof align === "string" ? { method: align } : align;
}

function methodOf({ merge_method: method }: Words, locate: Locate): string {
  if (typeof method === "string" && METHODS.has(method)) return method;
  throw fault(locate(["merge_method"]), `is ${describe(method)}`, `one of ${[...METHODS].join(", ")}`);
}

/** The models, from `models` or the one slice; `shared` are the parameters of the slice before those of the top. */
function entriesOf(given: Words, locate: Locate) {
  const { models, slices, parameters } = given;
  if ((models === undefined) === (slices === undefined))
    throw fault(locate([]), "has both or neither of models and slices", "one of them");
  const top = record(parameters, locate, ["parameters"]);
  if (slices === undefined) {
    const entries = list(models, locate, ["models"]).map((each, i) => entryOf(each, locate, ["models", i]));
    return { entries, shared: top, sharedAt: ["parameters"] as KeyPath, layers: undefined };
  }
  const all = list(slices, locate, ["slices"]);
  if (all.length !== 1)
    throw fault(locate(["slices"]), `has ${all.length} slices, which stack layers anew`, "one slice of all layers");
  const slice = record(all[0], locate, ["slices", 0]);
  const at: KeyPath = ["slices", 0, "sources"];
  const sources = list(slice.sources, locate, at);
  const ranges = sources.map((each, i) => rangeOf(record(each, locate, [...at, i]), locate, [...at, i]));
  if (ranges.some((range) => range !== ranges[0]))
    throw fault(locate(at), "has layers of other numbers", "one layer_range for all");
  const entries = sources.map((each, i) => entryOf(each, locate, [...at, i]));
  const own = record(slice.parameters, locate, ["slices", 0, "parameters"]);
  return {
    entries,
    shared: fallThrough(own, top),
    sharedAt: ["slices", 0, "parameters"] as KeyPath,
    layers: ranges[0],
  };
}

/** The end of a range that begins at the first layer. */
function rangeOf({ layer_range: range }: Words, locate: Locate, at: KeyPath): number {
  if (Array.isArray(range) && range.length === 2 && range[0] === 0 && Number.isSafeInteger(range[1])) return range[1];
  throw fault(locate([...at, "layer_range"]), `is ${JSON.stringify(range)}`, "[0, N]: all layers");
}

/** Of two levels of parameters, the second where no rule of the first fits. */
function fallThrough(first: Words, second: Words): Words {
  const merged: Record<string, unknown> = { ...second };
  for (const [key, value] of Object.entries(first)) {
    const other = second[key];
    const rules = isRules(value) ? value : undefined;
    merged[key] =
      rules === undefined || other === undefined ? value : [...rules, ...(isRules(other) ? other : [{ value: other }])];
  }
  return merged;
}

const isRules = (value: unknown): value is readonly object[] => Array.isArray(value) && typeof value[0] === "object";

function entryOf(value: unknown, locate: Locate, at: KeyPath): Entry {
  const { model, parameters, layer_range: _, ...rest } = record(value, locate, at);
  const [stray] = Object.keys(rest);
  if (stray !== undefined) throw fault(locate([...at, stray]), "is not supported", "model, parameters");
  return {
    path: pathOf(model, locate, [...at, "model"]),
    parameters: record(parameters, locate, [...at, "parameters"]),
    at,
  };
}

/** A local path; a revision and a LoRA behind it are named, not dropped. */
function pathOf(model: unknown, locate: Locate, at: KeyPath): string {
  if (typeof model !== "string" || model === "") throw fault(locate(at), `is ${describe(model)}`, "a path");
  if (model.includes("+")) throw fault(locate(at), `is ${describe(model)}, a model and an adapter`, "one path");
  return model;
}

function baseOf(
  { base_model: base }: Words,
  method: string,
  entries: readonly Entry[],
  locate: Locate,
): string | undefined {
  const rule = BLENDS[method as keyof typeof BLENDS];
  if (base === undefined || base === null) {
    if (rule.base === "required")
      throw fault(locate(["merge_method"]), `is ${method} without base_model`, "base_model");
    return undefined;
  }
  const path = pathOf(base, locate, ["base_model"]);
  if (method === "slerp" || rule.base !== "none") return method === "slerp" ? undefined : path;
  if (entries.some((entry) => entry.path === path)) return undefined;
  throw fault(locate(["base_model"]), `is not for merge_method ${method}`, "no base_model");
}

/** `t` runs from the base model to the other. */
function slerpOrder({ base_model: base }: Words, entries: readonly Entry[], locate: Locate): readonly Entry[] {
  const first = entries.find(({ path }) => path === base);
  if (entries.length === 2 && first !== undefined) return [first, entries.find((entry) => entry !== first)!];
  throw fault(locate(["base_model"]), `is ${describe(base ?? null)} of ${entries.length} models`, "one of the two");
}

/** mergekit requires weights, so that none is forgotten. */
function checkWeights(method: string, parts: readonly Entry[], shared: Words, locate: Locate): void {
  const needs = !["slerp", "karcher", "sce", "model_stock"].includes(method);
  if (!needs || "weight" in shared) return;
  const without = parts.find(({ parameters }) => !("weight" in parameters));
  if (without !== undefined) throw fault(locate(without.at), `has no weight (${without.path})`, "parameters: weight");
}

function ownParameters({ parameters, at }: Entry, locate: Locate, places: Places, i: number): Words {
  const own: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(parameters)) {
    const from = [...at, "parameters", key];
    if (!OWN.has(key)) throw fault(locate(from), "is not supported for one model", [...OWN].join(", "));
    own[key] = value;
    places.push([["models", i, "parameters", key], from]);
  }
  return own;
}

/** What each parameter of a whole merge is called in a plan, and its value there; undefined: of no effect. */
const SHARED: Readonly<Record<string, ((value: unknown) => readonly [string, unknown]) | undefined>> = {
  t: (value) => ["lambda", value],
  weight: (value) => ["weight", value],
  density: (value) => ["density", value],
  gamma: (value) => ["gamma", value],
  epsilon: (value) => ["epsilon", value],
  lambda: (value) => ["taskScale", value],
  normalize: (value) => ["normalize", asFlag(value)],
  rescale: (value) => ["rescale", asFlag(value) === true ? "norm" : asFlag(value) === false ? "none" : value],
  select_topk: (value) => ["density", value],
  max_iter: (value) => ["maxSteps", value],
  tol: (value) => ["tolerance", value],
  filter_wise: (value) => ["along", asFlag(value) === true ? "last" : "tensor"],
  nuslerp_flatten: (value) => ["along", asFlag(value) === false ? "last" : "tensor"],
  nuslerp_row_wise: (value) => ["along", asFlag(value) === true ? "first" : undefined],
  // Of memory alone.
  int8_mask: () => ["", undefined],
};

/** mergekit takes numbers for flags. */
const asFlag = (value: unknown): unknown => (value === 1 || value === 0 ? value === 1 : value);

function sharedParameters(shared: Words, at: KeyPath, method: string, locate: Locate, places: Places): Words {
  const found: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(shared)) {
    const read = Object.hasOwn(SHARED, key) ? SHARED[key] : undefined;
    if (read === undefined)
      throw fault(locate([...at, key]), `is not supported with merge_method ${method}`, Object.keys(SHARED).join(", "));
    const [name, settled] = read(value);
    if (settled === undefined) continue;
    found[name] = settled;
    places.push([
      ["blend", name],
      [...at, key],
    ]);
  }
  return found;
}

function outputOf(
  { dtype, out_dtype: written, tokenizer_source: tokenizer, base_model: base, output }: Words,
  locate: Locate,
) {
  if (tokenizer !== undefined && tokenizer !== "base" && tokenizer !== base)
    throw fault(locate(["tokenizer_source"]), `is ${describe(tokenizer)}`, "base: tokenizers are copied, not merged");
  const key = written === undefined ? "dtype" : "out_dtype";
  const word = written ?? dtype;
  const own = typeof output === "string" ? { path: output } : ((output as object | undefined) ?? undefined);
  if (word === undefined || word === null) return own;
  const found = typeof word === "string" && Object.hasOwn(DTYPES, word) ? DTYPES[word] : undefined;
  if (found === undefined)
    throw fault(locate([key]), `is ${describe(word)}`, `one of ${Object.keys(DTYPES).join(", ")}`);
  return { dtype: found, ...own };
}

function record(value: unknown, locate: Locate, at: KeyPath): Words {
  if (value === undefined || value === null) return {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Words;
  throw fault(locate(at), `is ${Array.isArray(value) ? "a list" : describe(value)}`, "keys and values");
}

function list(value: unknown, locate: Locate, at: KeyPath): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw fault(locate(at), `is ${describe(value ?? null)}`, "a list");
}

/** The document's path of a key of the plan: by the longest place that it begins with. */
function placed(path: KeyPath, places: Places): KeyPath {
  const fitting = places.filter(([plan]) => plan.every((key, i) => key === path[i]));
  const best = fitting.reduce<Places[number] | undefined>(
    (found, each) => (found === undefined || each[0].length > found[0].length ? each : found),
    undefined,
  );
  return best === undefined ? path : [...best[1], ...path.slice(best[0].length)];
}
