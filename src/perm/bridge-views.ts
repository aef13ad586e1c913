/** Views of models that differ a little: the same tensors for matching and merging, and the way back to A's file. */

import type { Dtype } from "../base/dtype.ts";
import { isFloat } from "../base/dtype.ts";
import { type BytePart, elementCount, type Model, type TensorInfo } from "../base/model.ts";
import { decodeFloats, encodeFloats } from "../kernels/float-values.ts";
import { withKernels } from "../kernels/idle.ts";
import { type BridgePlan, finalDtype } from "./bridge-plan.ts";
import type { BridgeOptions } from "./bridge-types.ts";
import { holdsSame } from "./same-tensors.ts";

/** Model number `at` with A's names, and with floats in what they are computed in. Itself where that changes nothing. */
export function readAs(plan: BridgePlan, at: number): Model {
  const { courses, models, pairings } = plan;
  const [a, model] = [models[0]!, models[at]!];
  const pairs = at === 0 ? undefined : pairings[at - 1]!.pairs;
  const tensors = new Map<string, TensorInfo>();
  for (const [name, info] of a.tensors) {
    const course = courses.get(name)!;
    // What its own graph says of it: axes of another order are refused.
    const { use } = model.tensors.get(pairs?.get(name) ?? name) ?? info;
    tensors.set(name, course.kind === "shared" ? { ...info, dtype: course.working, use } : info);
  }
  const isItself =
    pairs === undefined || [...courses].every(([name, { kind }]) => kind === "shared" && pairs.get(name) === name);
  if (isItself && holdsSame(model, { tensors })) return model;
  return {
    name: model.name,
    tensors,
    metadata: model.metadata,
    beside: model.beside,
    origin: model.origin,
    async read(name, signal, into, part) {
      const course = courses.get(name);
      if (course?.kind !== "shared" || pairs === undefined)
        return convertedRead(a, name, tensors.get(name)!.dtype, signal, into, part);
      return convertedRead(model, pairs.get(name)!, course.working, signal, into, part);
    },
    async close() {
      await model.close?.();
    },
  };
}

async function convertedRead(
  model: Model,
  name: string,
  dtype: Dtype,
  signal: AbortSignal | undefined,
  into: Uint8Array | undefined,
  part: BytePart | undefined,
): Promise<Uint8Array> {
  const info = model.tensors.get(name);
  // Unknown names are refused there.
  if (info === undefined || info.dtype === dtype) return model.read(name, signal, into, part);
  return convert(await model.read(name, signal), info, dtype);
}

/** Floats of another dtype, rounded to nearest even. A copy. Between two narrow dtypes the way is by F32, exactly. */
async function convert(bytes: Uint8Array, { dtype, shape }: TensorInfo, to: Dtype): Promise<Uint8Array> {
  return withKernels({}, (kernels) =>
    encodeFloats(kernels, decodeFloats(kernels, bytes, dtype, elementCount(shape)), to),
  );
}

/** A merge of the views as A's file has it: dtypes, names, and what no model blends. */
export function restored(plan: BridgePlan, merged: Model, options: BridgeOptions): Model {
  const { courses, extras, models } = plan;
  const { prefixA = "" } = options;
  const [a] = models;
  const tensors = new Map<string, TensorInfo>();
  for (const [name, info] of a!.tensors) tensors.set(prefixA + name, { ...info, dtype: finalDtype(info, options) });
  for (const [name, { model, name: own }] of extras) {
    const info = models[model]!.tensors.get(own)!;
    tensors.set(prefixA + name, { ...info, dtype: finalDtype(info, options) });
  }
  const readPlain: Model["read"] = async (name, ...words) => {
    const { dtype } = tensors.get(prefixA + name)!;
    const course = courses.get(name);
    const extra = extras.get(name);
    const target = extra?.target ?? (course?.kind === "shared" ? undefined : course?.target);
    if (target !== undefined) return readPlain(target, ...words);
    if (extra !== undefined) return narrowed(models[extra.model]!, extra.name, dtype, options, words);
    return narrowed(course?.kind === "shared" ? merged : a!, name, dtype, options, words);
  };
  const fits = prefixA === "" && holdsSame(a!, { tensors });
  return {
    name: merged.name,
    tensors,
    metadata: merged.metadata,
    // A container has no room for other tensors than its own.
    origin: fits ? merged.origin : undefined,
    async read(name, ...words) {
      if (!tensors.has(name)) return merged.read(name, ...words);
      return readPlain(name.slice(prefixA.length), ...words);
    },
    async close() {
      await merged.close?.();
    },
  };
}

/** Throws `RangeError` where a finite number becomes infinite. */
async function narrowed(
  model: Model,
  name: string,
  dtype: Dtype,
  { allowNonfinite }: BridgeOptions,
  words: Parameters<Model["read"]> extends [string, ...infer Rest] ? Rest : never,
): Promise<Uint8Array> {
  const info = model.tensors.get(name);
  if (info === undefined || info.dtype === dtype || !isFloat(dtype)) return model.read(name, ...words);
  const bytes = await model.read(name, words[0]);
  const written = await convert(bytes, info, dtype);
  if (!allowNonfinite) await checkRange(bytes, written, info, { name: `${model.name}: ${name}`, dtype });
  return written;
}

async function checkRange(
  before: Uint8Array,
  after: Uint8Array,
  { dtype, shape }: TensorInfo,
  to: { readonly name: string; readonly dtype: Dtype },
): Promise<void> {
  const count = elementCount(shape);
  await withKernels({}, (kernels) => {
    const values = decodeFloats(kernels, after, to.dtype, count);
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at < 0) return;
    const value =
      dtype === "F64" ? new Float64Array(before.slice().buffer)[at]! : decodeFloats(kernels, before, dtype, count)[at]!;
    throw new RangeError(
      `${to.name} has ${value} at element ${at}, expected what ${to.dtype} can hold (another dtype, such as F32 or BF16)`,
    );
  });
}
