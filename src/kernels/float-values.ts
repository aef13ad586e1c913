/** Tensor bytes of any float dtype ↔ f32 arrays. */

import type { Dtype } from "../base/dtype.ts";
import { narrow, widen } from "./convert.ts";
import type { Kernels } from "./kernels.ts";

/**
 * The `count` values of a tensor as f32: F64 rounded to nearest even, the others exactly. A copy. Throws
 * `TypeError` for no float.
 */
export function decodeFloats(kernels: Kernels, bytes: Uint8Array, dtype: Dtype, count: number): Float32Array {
  if (dtype === "F32") return new Float32Array(bytes.slice().buffer);
  return inArena(kernels, count, (pointer) => {
    widen(kernels, pointer, bytes, dtype, count);
    return kernels.f32(pointer, count).slice();
  });
}

/** f32 values as bytes of `dtype`, rounded to nearest even. A copy. Throws `TypeError` for no float. */
export function encodeFloats(kernels: Kernels, values: Float32Array, dtype: Dtype): Uint8Array {
  if (dtype === "F32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
  return inArena(kernels, values.length, (pointer) => {
    kernels.f32(pointer, values.length).set(values);
    return narrow(kernels, dtype, pointer, values.length);
  });
}

function inArena<T>(kernels: Kernels, count: number, work: (pointer: number) => T): T {
  const mark = kernels.arena.mark();
  try {
    return work(kernels.arena.allocate(4 * count));
  } finally {
    kernels.arena.release(mark);
  }
}
