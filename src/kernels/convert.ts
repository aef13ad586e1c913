/** Raw little-endian bytes of any float dtype ↔ f32 in wasm memory, a bounded chunk at a time. */

import { type Dtype, elementBytes } from "../base/dtype.ts";
import type { KernelExports } from "./exports.ts";
import type { Kernels } from "./kernels.ts";

/** Elements converted at a time: bounds the raw copy beside the f32 one. */
const CHUNK = 65536;

/** Bytes a raw chunk takes at most: what converting allocates beside its operands. */
export const CHUNK_BYTES: number = 8 * CHUNK;

/**
 * Writes the `count` values of `bytes` as f32 at `pointer`, F64 rounded to nearest even, the others exactly. Throws
 * `TypeError` for a dtype that is no float.
 */
export function widen(kernels: Kernels, pointer: number, bytes: Uint8Array, dtype: Dtype, count: number): void {
  if (dtype === "F32") kernels.u8(pointer, bytes.length).set(bytes);
  else widenChunks(kernels, pointer, bytes, dtype, count);
}

function widenChunks(kernels: Kernels, pointer: number, bytes: Uint8Array, dtype: Dtype, count: number): void {
  const convert = conversion(kernels, dtype, "to");
  const size = elementBytes(dtype);
  const mark = kernels.arena.mark();
  try {
    const raw = kernels.arena.allocate(CHUNK_BYTES);
    for (let done = 0; done < count; done += CHUNK) {
      const length = Math.min(CHUNK, count - done);
      kernels.u8(raw, length * size).set(bytes.subarray(done * size, (done + length) * size));
      convert(pointer + 4 * done, raw, length);
    }
  } finally {
    kernels.arena.release(mark);
  }
}

/** The same from raw bytes that are in wasm memory already, at `source`. */
export function widenInside(kernels: Kernels, pointer: number, source: number, dtype: Dtype, count: number): void {
  if (dtype === "F32") kernels.u8(pointer, 4 * count).set(kernels.u8(source, 4 * count));
  else conversion(kernels, dtype, "to")(pointer, source, count);
}

/**
 * The `count` f32 at `pointer` as raw bytes of `dtype`, rounded to nearest even: written to `into` where it is given,
 * else a fresh array. Throws `TypeError` for a dtype that is no float.
 */
export function narrow(kernels: Kernels, dtype: Dtype, pointer: number, count: number, into?: Uint8Array): Uint8Array {
  if (dtype === "F32") return copyOut(kernels, pointer, 4 * count, into);
  const convert = conversion(kernels, dtype, "from");
  const size = elementBytes(dtype);
  const bytes = into ?? new Uint8Array(count * size);
  const mark = kernels.arena.mark();
  try {
    const raw = kernels.arena.allocate(CHUNK_BYTES);
    for (let done = 0; done < count; done += CHUNK) {
      const length = Math.min(CHUNK, count - done);
      convert(raw, pointer + 4 * done, length);
      bytes.set(kernels.u8(raw, length * size), done * size);
    }
  } finally {
    kernels.arena.release(mark);
  }
  return bytes;
}

/** Bytes of wasm memory outside it: in `into`, which is returned, or a fresh array. */
export function copyOut(kernels: Kernels, pointer: number, length: number, into?: Uint8Array): Uint8Array {
  if (into === undefined) return kernels.u8(pointer, length).slice();
  into.set(kernels.u8(pointer, length));
  return into;
}

type Convert = (target: number, source: number, count: number) => void;

/** The kernels of each dtype, from it and to it. */
const KERNELS: Partial<Record<Dtype, readonly [toF32: ConvertName, fromF32: ConvertName]>> = {
  F16: ["f16ToF32", "f32ToF16"],
  BF16: ["bf16ToF32", "f32ToBf16"],
  F64: ["f64ToF32", "f32ToF64"],
  F8_E4M3: ["f8e4m3ToF32", "f32ToF8e4m3"],
  F8_E5M2: ["f8e5m2ToF32", "f32ToF8e5m2"],
};

type ConvertName = Extract<keyof KernelExports, `${string}To${string}`>;

function conversion({ wasm }: Kernels, dtype: Dtype, way: "to" | "from"): Convert {
  const names = KERNELS[dtype];
  if (names === undefined) throw new TypeError(`dtype ${dtype} cannot be converted ${way} F32, expected a float dtype`);
  return wasm[names[way === "to" ? 0 : 1]];
}
