/** Raw bytes of a tensor as f64, and back. */

import { asFloat64 } from "../base/aligned.ts";
import { type Dtype, elementBytes } from "../base/dtype.ts";
import { narrow, widen } from "../kernels/convert.ts";
import type { Kernels } from "../kernels/kernels.ts";

/** Complex numbers are pairs of f32. */
const partsOf = (dtype: Dtype): Dtype => (dtype === "C64" ? "F32" : dtype);

/** A fresh array. Throws `TypeError` for a dtype whose values are not known. */
export function toFloats(kernels: Kernels, dtype: Dtype, bytes: Uint8Array): Float64Array {
  if (dtype === "F64") return asFloat64(bytes).slice();
  const parts = partsOf(dtype);
  const count = bytes.length / elementBytes(parts);
  const mark = kernels.arena.mark();
  try {
    const pointer = kernels.arena.allocate(4 * count);
    widen(kernels, pointer, bytes, parts, count);
    return Float64Array.from(kernels.f32(pointer, count));
  } finally {
    kernels.arena.release(mark);
  }
}

/** Raw bytes of `values` rounded to `dtype` through f32, F64 as they are: in `into` where it is given. */
export function fromFloats(kernels: Kernels, dtype: Dtype, values: Float64Array, into?: Uint8Array): Uint8Array {
  if (dtype === "F64") {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    into?.set(bytes);
    return into ?? bytes;
  }
  const mark = kernels.arena.mark();
  try {
    const pointer = kernels.arena.allocate(4 * values.length);
    kernels.f32(pointer, values.length).set(values);
    return narrow(kernels, partsOf(dtype), pointer, values.length, into);
  } finally {
    kernels.arena.release(mark);
  }
}

/** True where no value is NaN or infinite. */
export function allFinite(values: Float64Array): boolean {
  for (let e = 0; e < values.length; e++) if (!Number.isFinite(values[e]!)) return false;
  return true;
}
