/** Blending: aligned models → one model, tensor by tensor, by a blend of the registry. */

import { type ClosingModel, closing } from "../base/closing-model.ts";
import { compareTensors, describeDifferences } from "../base/compare-tensors.ts";
import { DTYPES, elementBytes } from "../base/dtype.ts";
import { SpecError } from "../base/errors.ts";
import { type BytePart, type Model, readPart, type TensorInfo } from "../base/model.ts";
import { type Computing, checkOptions, type OptionKinds, wrongType } from "../base/options.ts";
import { checkSeed } from "../base/rng.ts";
import { sha256Hex } from "../base/sha256.ts";
import { withKernels } from "../kernels/idle.ts";
import { requireSameTensors } from "../perm/same-tensors.ts";
import type { BlendSettings, SettledBlend } from "./blends/blend.ts";
import { type BlendName, blendRule } from "./blends/blends.ts";
import { settleBlend } from "./blends/settle.ts";
import { fromFloats } from "./floats.ts";
import { mergeMetadata } from "./metadata.ts";
import { type Blend, blendTensor } from "./methods/blend-tensor.ts";
import { loadArc } from "./methods/load-arc.ts";
import { createInputs, isTask, type Part } from "./parts.ts";
import type { TaskVector } from "./task-vector.ts";

/** What one tensor is blended by. */
export interface TensorSettings extends BlendSettings {
  /** Another blend for this tensor than for the others. */
  readonly blend?: BlendName | undefined;
}

/** Options of `blendModels`. */
export interface BlendModelsOptions extends Pick<Computing, "simd" | "allowNonfinite"> {
  /** Default "linear": the mean. */
  readonly blend?: BlendName | undefined;
  /** What the models were fine-tuned from, for blends of differences from it. */
  readonly base?: Model | undefined;
  /** Settings for all tensors, or a function that returns them for each. */
  readonly settings?: BlendSettings | ((tensor: string, info: TensorInfo) => TensorSettings) | undefined;
  /** Seeds random blends, together with the tensor's name and the model's number. Default 0. */
  readonly seed?: number | undefined;
  /** Gram matrix of what the layer of `tensor` reads in model number `i`: `regmean` asks for it. */
  readonly grams?: ((tensor: string, i: number) => Promise<Float64Array | undefined>) | undefined;
  /** Further entries of the merged model's metadata; `rebasin.*` keys are the library's own. */
  readonly metadata?: ReadonlyMap<string, string> | undefined;
}

/** The kinds of its options. */
export const BLEND_OPTIONS: OptionKinds<BlendModelsOptions> = {
  blend: "string",
  base: "object",
  settings: "any",
  seed: "number",
  grams: "function",
  metadata: "object",
  simd: "boolean",
  allowNonfinite: "boolean",
};

/** How one tensor is blended: for reports, before any weight is read. */
export interface TensorPlan {
  readonly blend: BlendName;
  readonly settings: SettledBlend;
}

/**
 * Blends models that are aligned already: fine-tunes of one base, or what `alignMany` gives. The result is lazy: each
 * `read` reads one tensor of every model, as f64, and rounds the blend to the tensor's dtype through f32 (F64: as it
 * is). It reads from the models until the end, and closes them and the base when it is closed. Integer and bool tensors
 * come from the base, or from the first model. A `TaskVector` among the models adds its differences to the base.
 *
 * A read needs 8 bytes an element for every model at once where the blend compares models (ties, della, sce,
 * model_stock, karcher and others). Where it adds them up (linear, task_arithmetic, dare_linear), it needs that for
 * two.
 *
 * Reads of the blend fail in the same way.
 *
 * @throws {RangeError} for NaN and infinity, in a read.
 * @throws {TypeError} for a dtype that cannot be blended, in a read.
 *
 * @throws {RangeError} for an unknown blend, too few or too many models, a base that is missing or of no use, and
 * settings out of range.
 * @throws {TypeError} for options of another type.
 * @throws {SpecError} when models and base differ in names, shapes or dtypes.
 *
 * @example
 * const { models } = await alignMany([a, b, c], await detectSpec(a));
 * const model = blendModels(models, { settings: { weights: [2, 1, 1] } });
 */
export function blendModels(models: readonly (Model | TaskVector)[], options: BlendModelsOptions = {}): ClosingModel {
  checkOptions("blendModels", options, BLEND_OPTIONS);
  const plans = planBlend(models, options);
  return lazyBlend(models, options, plans, howBlended(plans, options));
}

/**
 * What every float tensor is blended by, checked: what `blendModels` does, without reading a weight.
 *
 * @throws {RangeError} as `blendModels`, naming the tensor.
 * @throws {TypeError} for options of another type.
 * @throws {SpecError} when models and base differ in names, shapes or dtypes.
 *
 * @example
 * planBlend([a, b], { settings: { weights: [1, 3] } }).get("layers.0.weight"); // blend "linear", weights 1 and 3
 */
export function planBlend(
  models: readonly (Model | TaskVector)[],
  options: BlendModelsOptions = {},
): ReadonlyMap<string, TensorPlan> {
  const { blend = "linear", base, settings = {}, seed = 0, grams } = options;
  checkSeed(seed);
  if (typeof settings !== "object" && typeof settings !== "function")
    throw wrongType("settings", settings, "an object or a function");
  checkNeeds(blend, models.length, base, grams);
  const first = checkParts(models, base);
  const plans = new Map<string, TensorPlan>();
  const common =
    typeof settings === "function" ? undefined : { blend, settings: settleBlend(blend, models.length, settings) };
  for (const [name, info] of first.tensors) {
    if (DTYPES[info.dtype].kind === "integer" || DTYPES[info.dtype].kind === "bool") continue;
    const plan = common ?? planTensor(name, info, models.length, options);
    if (info.dtype === "C64" && blendRule(plan.blend).matrices === true)
      throw new TypeError(`${name} is C64, expected real numbers for blend "${plan.blend}"`);
    if (blendRule(plan.blend).load === undefined && models.some(isTask))
      throw new RangeError(`${name}: blend "${plan.blend}" of task vectors, expected models`);
    plans.set(name, plan);
  }
  return plans;
}

function planTensor(name: string, info: TensorInfo, models: number, options: BlendModelsOptions): TensorPlan {
  const { settings, blend: common = "linear", base, grams } = options;
  try {
    const { blend = common, ...given } = (settings as (tensor: string, info: TensorInfo) => TensorSettings)(name, info);
    // A tensor of its own kind, statistics say, may be blended as it is, without the base.
    const used = blendRule(blend).base === "none" ? undefined : base;
    if (blend !== common) checkNeeds(blend, models, used, grams);
    return { blend, settings: settleBlend(blend, models, given) };
  } catch (error) {
    if (error instanceof RangeError) throw new RangeError(`${name}: ${error.message}`, { cause: error });
    throw error;
  }
}

function checkNeeds(blend: BlendName, models: number, base: Model | undefined, grams: unknown): void {
  const rule = blendRule(blend);
  const [least, most] = rule.models;
  if (models < least || models > most) {
    const wanted = least === most ? `${least}` : `${least} or more`;
    throw new RangeError(`blend "${blend}" got ${models} models, expected ${wanted}`);
  }
  if (rule.base === "required" && base === undefined)
    throw new RangeError(`blend "${blend}" without a base, expected the model that the others were fine-tuned from`);
  if (rule.base === "none" && base !== undefined)
    throw new RangeError(`blend "${blend}" with a base, expected no base: it does not blend differences`);
  if (rule.data === true && grams === undefined)
    throw new RangeError(`blend "${blend}" without Gram matrices, expected them from images that the models run on`);
}

/** Checks that all hold the same tensors; returns the one whose names, dtypes and integers the blend has. */
function checkParts(parts: readonly Part[], base: Model | undefined): Model {
  const first = base ?? parts[0]!;
  if (isTask(first)) throw new RangeError("task vectors without a base, expected the model that they are added to");
  for (const part of parts) {
    if (part === first) continue;
    if (!isTask(part)) requireSameTensors(first, part);
    else if (base === undefined)
      throw new RangeError(`${part.delta.name} without a base, expected the base it is added to`);
    else {
      const differences = compareTensors(shapesOf(first), shapesOf(part.delta));
      if (differences.length === 0) continue;
      const found = describeDifferences(differences);
      throw new SpecError(`${first.name} and ${part.delta.name} do not hold the same tensors: ${found}`);
    }
  }
  return first;
}

/** Without dtypes: differences are F64, for models of any dtype. */
const shapesOf = ({ tensors }: Model): Map<string, TensorInfo> =>
  new Map([...tensors].map(([name, { shape }]) => [name, { dtype: "F64", shape }]));

/**
 * What the merged file records of the blend: settings where they are the same for all tensors, else a digest of
 * all.
 */
export function howBlended(
  plans: ReadonlyMap<string, TensorPlan>,
  { blend = "linear", settings, seed = 0 }: BlendModelsOptions,
): Record<string, string> {
  const [first] = plans.values();
  const said: Record<string, string> = { "rebasin.blend": blend };
  if (typeof settings !== "function") said["rebasin.blend-settings"] = JSON.stringify(first?.settings ?? {});
  else said["rebasin.blend-settings-sha256"] = sha256Hex(new TextEncoder().encode(JSON.stringify([...plans])));
  if (seed !== 0) said["rebasin.blend-seed"] = String(seed);
  return said;
}

/** The lazy model, of `plans` that are checked. */
export function lazyBlend(
  parts: readonly Part[],
  options: BlendModelsOptions,
  plans: ReadonlyMap<string, TensorPlan>,
  made: Readonly<Record<string, string>>,
): ClosingModel {
  const { base, simd } = options;
  const first = base ?? (parts[0] as Model);
  const owners = parts.map((part) => (isTask(part) ? part.delta : part));
  const inputOf = createInputs(parts, options);
  return closing({
    name: `merge of ${owners.map(({ name }) => name).join(", ")}`,
    tensors: first.tensors,
    metadata: mergeMetadata(first.metadata, options.metadata, made),
    origin: first.origin,
    async read(name, signal, room, part) {
      const plan = plans.get(name);
      // An unknown name too: the first model says so in its own words.
      if (plan === undefined) return first.read(name, signal, room, part);
      const { dtype } = first.tensors.get(name)!;
      const { load, byValue } = blendRule(plan.blend);
      const some = byValue === true && part?.every((at) => at % elementBytes(dtype) === 0) ? part : undefined;
      // Room for a part is too little for a whole tensor.
      const into = part === undefined || some !== undefined ? room : undefined;
      if (load === undefined) {
        const two = parts as readonly [Model, Model];
        return blendTwo(two, name, plan, options, { signal, into, part: some });
      }
      const blend = await load();
      const elements = some && ([some[0] / elementBytes(dtype), some[1] / elementBytes(dtype)] as const);
      const values = await blend(inputOf(name, plan.settings, signal, elements));
      return withKernels({ simd }, (kernels) => fromFloats(kernels, dtype, values, into));
    },
    async close() {
      for (const owner of base === undefined ? owners : [base, ...owners]) await owner.close?.();
    },
  });
}

/** A blend of the core: in f32, as `mergeModels` has it. */
async function blendTwo(
  [a, b]: readonly [Model, Model],
  name: string,
  { blend, settings }: TensorPlan,
  { simd, allowNonfinite = false }: BlendModelsOptions,
  { signal, into, part }: { signal: AbortSignal | undefined; into: Uint8Array | undefined; part: BytePart | undefined },
): Promise<Uint8Array> {
  const info = a.tensors.get(name)!;
  const read = (model: Model): Promise<Uint8Array> =>
    part === undefined ? model.read(name, signal) : readPart(model, name, part, info, signal);
  const pair = {
    ...{ name, models: [a.name, b.name] as const, tensor: { info, axes: [] }, permutations: [], dtype: info.dtype },
    a: await read(a),
    b: await read(b),
    first: part && part[0] / elementBytes(info.dtype),
  };
  const how = { lambda: settings.lambda!, arc: await loadArc(blend as Blend), allowNonfinite };
  return withKernels({ simd }, (kernels) => blendTensor(kernels, pair, how, into));
}
