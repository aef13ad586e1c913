/**
 * Models whose products leave f32's range, scaled together by one power of two. Loaded when a merge of many meets
 * them.
 */

import { asFloat64 } from "../base/aligned.ts";
import { elementCount, type Model } from "../base/model.ts";
import { decodeFloats } from "../kernels/float-values.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { exponentOf } from "../match/costs/scale-range.ts";
import { floatsAsF32 } from "./many-models.ts";

/** Magnitudes of the greatest value that need no scaling, and what it is brought to where it is above. */
const [LEAST, GREATEST] = [2 ** -15, 2 ** 40];

export interface ScaledModels {
  readonly models: readonly Model[];
  /** The models' own values times this are those of `models`: a power of two. */
  readonly scale: number;
}

/**
 * The models as they are where the values of the tensors of these names are in range; else scaled, with every float
 * tensor as F32. Throws `RangeError` naming the first of them with NaN or infinity, or that f64 products do not reach.
 */
export async function scaleModels(
  models: readonly Model[],
  names: readonly string[],
  kernels: Kernels,
  signal: AbortSignal | undefined,
): Promise<ScaledModels> {
  let largest = 0;
  for (const model of models)
    for (const name of names) {
      const values = await valuesOf(model, name, kernels, signal);
      for (let e = 0; e < values.length; e++) {
        const size = Math.abs(values[e]!);
        if (!(size < 2 ** 450)) {
          const expected = Number.isFinite(size) ? "magnitudes below 2^450" : "finite numbers";
          throw new RangeError(`${model.name}: ${name} has ${values[e]} at element ${e}, expected ${expected}`);
        }
        if (size > largest) largest = size;
      }
    }
  if (largest === 0 || (largest >= LEAST && largest <= GREATEST)) return { models, scale: 1 };
  const scale = 2 ** ((largest > GREATEST ? exponentOf(GREATEST) - 1 : 0) - exponentOf(largest));
  return { models: models.map((model) => scaledModel(model, scale, kernels)), scale };
}

function scaledModel(model: Model, scale: number, kernels: Kernels): Model {
  const tensors = floatsAsF32(model.tensors);
  return {
    name: model.name,
    tensors,
    metadata: model.metadata,
    async read(name, signal) {
      if (tensors.get(name)?.dtype !== "F32") return model.read(name, signal);
      const values = await valuesOf(model, name, kernels, signal);
      return new Uint8Array(Float32Array.from(values, (value) => value * scale).buffer);
    },
  };
}

async function valuesOf(
  model: Model,
  name: string,
  kernels: Kernels,
  signal: AbortSignal | undefined,
): Promise<Float32Array | Float64Array> {
  const { dtype, shape } = model.tensors.get(name)!;
  const bytes = await model.read(name, signal);
  return dtype === "F64" ? asFloat64(bytes) : decodeFloats(kernels, bytes, dtype, elementCount(shape));
}
