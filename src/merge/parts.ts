/** What is blended, as numbers: one tensor of every model, or its difference from a base. */

import type { Model, TensorInfo } from "../base/model.ts";
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

/** How a tensor is read for a blend. */
export function createInputs(
  parts: readonly Part[],
  { base, simd, allowNonfinite = false, seed = 0, grams }: InputOptions,
): (name: string, settings: SettledBlend, signal: AbortSignal | undefined) => BlendInput {
  const read = async (model: Model, name: string, signal: AbortSignal | undefined): Promise<Float64Array> => {
    const bytes = await model.read(name, signal);
    const values = withKernels({ simd }, (kernels) => toFloats(kernels, model.tensors.get(name)!.dtype, bytes));
    if (!allowNonfinite && !allFinite(values)) refuseNonfinite(model.name, name, values);
    return values;
  };
  return (name, settings, signal) => {
    const info = (base ?? (parts[0] as Model)).tensors.get(name)!;
    let kept: Promise<Float64Array> | undefined;
    const ofBase = async (): Promise<Float64Array | undefined> => {
      if (base !== undefined) kept ??= read(base, name, signal);
      return kept;
    };
    const part = async (i: number, asDelta: boolean): Promise<Float64Array> => {
      const own = parts[i]!;
      const values = await read(isTask(own) ? own.delta : own, name, signal);
      if (isTask(own) !== asDelta) addScaled(values, (await ofBase())!, asDelta ? -1 : 1);
      return values;
    };
    return {
      ...{ name, shape: shapeOf(info), models: parts.length, settings },
      channelsOut: layoutOf(name, info.use) === "in-out" ? "last" : "first",
      values: (i) => part(i, false),
      delta: (i) => part(i, true),
      base: ofBase,
      rng: (i) => rngOf(seed, name, i),
      gram: async (i) => grams?.(name, i),
    };
  };
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
