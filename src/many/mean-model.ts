/** The mean of aligned models: every strategy's result, tensor by tensor. */

import { asFloat64 } from "../base/aligned.ts";
import { DTYPES, type Dtype, elementBytes } from "../base/dtype.ts";
import type { Model } from "../base/model.ts";
import { narrow, widen } from "../kernels/convert.ts";
import { createKernels, type Kernels } from "../kernels/kernels.ts";
import type { BuildOptions } from "../kernels/wasm.ts";
import { refuseNonfinite } from "./many-models.ts";

/**
 * The mean of `aligned`, a lazy model: each `read` reads one tensor of every model, one after another, and takes 8 bytes
 * an element besides. Floats are summed in f64 in the models' order and rounded to the dtype they came in (through f32),
 * ties to even; integer and bool tensors come from the first model. Closing it closes the models.
 *
 * A read throws `RangeError` for NaN and infinity, `TypeError` for dtypes that cannot be blended.
 */
export function meanModel(
  aligned: readonly Model[],
  metadata: ReadonlyMap<string, string>,
  build: BuildOptions,
): Model {
  const first = aligned[0]!;
  const kernels = createKernels(build);
  return {
    name: `merge of ${aligned.map(({ name }) => name).join(", ")}`,
    tensors: first.tensors,
    metadata,
    origin: first.origin,
    async read(name, signal) {
      const info = first.tensors.get(name);
      const kind = info === undefined ? undefined : DTYPES[info.dtype].kind;
      // An unknown name too: the first model says so in its own words.
      if (info === undefined || kind === "integer" || kind === "bool") return first.read(name, signal);
      if (kind === "packed" || kind === "opaque")
        throw new TypeError(`${name} is ${info.dtype}, expected a float, integer or bool dtype to blend`);
      let sum: Float64Array | null = null;
      for (const model of aligned) {
        const values = floatsOf(kernels, info.dtype, await model.read(name, signal));
        if (!allFinite(values)) refuseNonfinite(model.name, name, values);
        if (sum === null) sum = Float64Array.from(values);
        else addTo(sum, values);
      }
      return divided(kernels, info.dtype, sum!, aligned.length);
    },
    async close() {
      for (const model of aligned) await model.close?.();
    },
  };
}

/** Complex numbers are pairs of f32. */
const partsOf = (dtype: Dtype): Dtype => (dtype === "C64" ? "F32" : dtype);

/** Values of a float tensor as f32, of F64 as f64; a copy or a view. */
function floatsOf(kernels: Kernels, dtype: Dtype, bytes: Uint8Array): Float32Array | Float64Array {
  if (dtype === "F64") return asFloat64(bytes);
  const parts = partsOf(dtype);
  const count = bytes.length / elementBytes(parts);
  const mark = kernels.arena.mark();
  try {
    const pointer = kernels.arena.allocate(4 * count);
    widen(kernels, pointer, bytes, parts, count);
    return kernels.f32(pointer, count).slice();
  } finally {
    kernels.arena.release(mark);
  }
}

function divided(kernels: Kernels, dtype: Dtype, sum: Float64Array, models: number): Uint8Array {
  if (dtype === "F64") return new Uint8Array(sum.map((value) => value / models).buffer);
  const mark = kernels.arena.mark();
  try {
    const pointer = kernels.arena.allocate(4 * sum.length);
    const values = kernels.f32(pointer, sum.length);
    for (let e = 0; e < sum.length; e++) values[e] = sum[e]! / models;
    return narrow(kernels, partsOf(dtype), pointer, sum.length);
  } finally {
    kernels.arena.release(mark);
  }
}

function allFinite(values: Float32Array | Float64Array): boolean {
  for (let e = 0; e < values.length; e++) if (!Number.isFinite(values[e]!)) return false;
  return true;
}

function addTo(sum: Float64Array, values: Float32Array | Float64Array): void {
  for (let e = 0; e < sum.length; e++) sum[e]! += values[e]!;
}
