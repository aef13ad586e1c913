/** Constant tensors drawn at random: where all units are equal (fresh biases, norms), a wrong spec does no harm yet. */

import type { ResolvedSpec } from "../axes/types.ts";
import { DTYPES } from "../base/dtype.ts";
import { elementCount, type Model } from "../base/model.ts";
import { createRng } from "../base/rng.ts";
import { encodeFloats } from "../kernels/float-values.ts";
import { withKernels } from "../kernels/idle.ts";
import { readFloats } from "../kernels/read-floats.ts";

/** A model with some tensors drawn at random. */
export interface VariedModel {
  readonly model: Model;
  /** The names of these tensors. */
  readonly varied: readonly string[];
}

/**
 * The model with its constant float tensors of several elements drawn at random. A value is drawn from half of it to
 * one and a half, so that variances stay positive; a zero within 0.1. Reads every float tensor once. A view: what is
 * not drawn is read from `model`. `others` names tensors that may stay as they are, but for those that the spec moves.
 */
export async function varyConstants(
  model: Model,
  { tensors }: ResolvedSpec,
  seed: number,
  signal?: AbortSignal,
): Promise<VariedModel> {
  const rng = createRng(seed);
  const drawn = new Map<string, Uint8Array>();
  for (const { name, info } of tensors) {
    if (DTYPES[info.dtype].kind !== "float" || elementCount(info.shape) < 2 || info.shape.length === 0) continue;
    const values = await readFloats(model, name, signal);
    const [first] = values;
    if (first === undefined || !Number.isFinite(first) || values.some((value) => value !== first)) continue;
    for (let i = 0; i < values.length; i++)
      values[i] = first === 0 ? 0.2 * rng.uniform() - 0.1 : first * (0.5 + rng.uniform());
    drawn.set(
      name,
      withKernels({}, (kernels) => encodeFloats(kernels, values, info.dtype)),
    );
  }
  return {
    varied: [...drawn.keys()],
    model: { ...model, read: async (name, readSignal, into) => drawn.get(name) ?? model.read(name, readSignal, into) },
  };
}
