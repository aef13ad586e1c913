/** What is blended, as numbers: one tensor of every model, or its difference from a base. */

import { elementBytes } from "../base/dtype.ts";
import { elementCount, type Model, readPart, type TensorInfo } from "../base/model.ts";
import type { Computing } from "../base/options.ts";
import { refuseNonfinite } from "../base/refuse-nonfinite.ts";
import { createRng, type Rng } from "../base/rng.ts";
import { sha256Hex } from "../base/sha256.ts";
import { withKernels } from "../kernels/idle.ts";
import { layoutOf } from "../perm/same-tensors.ts";
import type { BlendInput, SettledBlend } from "./blends/blend.ts";
import { addScaled } from "./blends/sums.ts";
import { allFinite, toFloats } from "./floats.ts";
import type { TaskVector } from "./task-vector.ts";

/** One of those that are blended. */
export type Part = Model | TaskVector;

/** True for a task vector. */
export function isTask(part: Part): part is TaskVector {
  return "delta" in part;
}

/** What `blendModels` hands on. */
export interface InputOptions extends Pick<Computing, "simd" | "allowNonfinite"> {
  readonly base?: Model | undefined;
  readonly seed?: number | undefined;
  readonly grams?: ((tensor: string, i: number) => Promise<Float64Array | undefined>) | undefined;
}

/** Elements from the first on, up to but not including the last. */
type ElementPart = readonly [begin: number, end: number];

/** How a tensor is read for a blend; only some of its elements where these are given. */
export function createInputs(
  parts: readonly Part[],
  { base, seed = 0, grams, ...computing }: InputOptions,
): (name: string, settings: SettledBlend, signal: AbortSignal | undefined, part?: ElementPart) => BlendInput {
  return (name, settings, signal, some) => {
    const info = (base ?? (parts[0] as Model)).tensors.get(name)!;
    const read = (model: Model): Promise<Float64Array> => readValues(model, name, some, computing, signal);
    let kept: Promise<Float64Array> | undefined;
    const ofBase = async (): Promise<Float64Array | undefined> => {
      kept ??= base && read(base);
      return kept;
    };
    const part = async (i: number, asDelta: boolean): Promise<Float64Array> => {
      const own = parts[i]!;
      const values = await read(isTask(own) ? own.delta : own);
      if (isTask(own) !== asDelta) addScaled(values, (await ofBase())!, asDelta ? -1 : 1);
      return values;
    };
    return {
      ...{ name, shape: some ? [some[1] - some[0]] : shapeOf(info), models: parts.length, settings },
      channelsOut: layoutOf(name, info.use) === "in-out" ? "last" : "first",
      values: (i) => part(i, false),
      delta: (i) => part(i, true),
      base: ofBase,
      rng: (i) => rngOf(seed, name, i),
      gram: async (i) => grams?.(name, i),
    };
  };
}

/** The numbers of a tensor, or of some of its elements: a fresh array. */
async function readValues(
  model: Model,
  name: string,
  some: ElementPart | undefined,
  { simd, allowNonfinite = false }: Pick<Computing, "simd" | "allowNonfinite">,
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  const info = model.tensors.get(name)!;
  const size = elementBytes(info.dtype);
  const [begin, end] = some ?? [0, elementCount(info.shape)];
  const bytes = await (some === undefined
    ? model.read(name, signal)
    : readPart(model, name, [begin * size, end * size], info, signal));
  const values = withKernels({ simd }, (kernels) => toFloats(kernels, info.dtype, bytes));
  // A complex number is two.
  const before = (begin * values.length) / (end - begin);
  if (!allowNonfinite && !allFinite(values)) refuseNonfinite(model.name, name, values, before);
  return values;
}

/** A separate sequence for each tensor of each model: the same in any order of draws, with any other draws. */
export function rngOf(seed: number, name: string, i: number): Rng {
  const digest = sha256Hex(new TextEncoder().encode(JSON.stringify([seed, i, name])));
  return createRng(Number.parseInt(digest.slice(0, 12), 16));
}

/** Complex numbers are pairs along the last axis. */
function shapeOf({ dtype, shape }: TensorInfo): readonly number[] {
  const whole = shape.length === 0 ? [1] : [...shape];
  if (dtype === "C64") whole[whole.length - 1]! *= 2;
  return whole;
}
