/** Blends two tensors of raw bytes: lerp or slerp, in f32 (F64 in f64), back to the dtype they came in. */

import { DTYPES, type Dtype, elementBytes } from "../dtype.ts";
import { narrow, widen } from "../kernels/convert.ts";
import { requireFinite } from "../kernels/finite.ts";
import type { Kernels } from "../kernels/kernels.ts";

/** How values between two models are found: on the line between them, or on the arc. */
export type Blend = "lerp" | "slerp";

/** Two tensors of the same name, dtype and shape, as raw little-endian bytes. */
export interface TensorPair {
  readonly name: string;
  /** What the two models are called in messages. */
  readonly models: readonly [string, string];
  readonly dtype: Dtype;
  readonly a: Uint8Array;
  readonly b: Uint8Array;
}

export interface BlendSettings {
  readonly lambda: number;
  readonly blend: Blend;
  readonly allowNonfinite: boolean;
}

/** Closer than this to the same or the opposite direction, the arc's sine is too small to divide by: lerp. */
const PARALLEL = 0.9995;

/**
 * (1−λ)·a + λ·b in the pair's dtype. Returns `a` or `b` itself (no copy) for λ = 0 and 1 and for dtypes that are only
 * copied, else a fresh array. Throws `RangeError` for NaN or infinity, `TypeError` for packed dtypes.
 */
export function blendTensor(kernels: Kernels, pair: TensorPair, settings: BlendSettings): Uint8Array {
  const { dtype } = pair;
  const { kind } = DTYPES[dtype];
  const { lambda } = settings;
  if (kind === "integer" || kind === "bool") return lambda === 1 ? pair.b : pair.a;
  if (kind === "packed") {
    if (lambda === 0 || lambda === 1) return lambda === 0 ? pair.a : pair.b;
    throw new TypeError(`${pair.name} is ${dtype}, expected a float, integer or bool dtype to blend`);
  }
  const mark = kernels.arena.mark();
  try {
    return blendFloats(kernels, pair, settings);
  } finally {
    kernels.arena.release(mark);
  }
}

/** How a dtype is computed with: complex numbers are pairs of f32. */
function layout({ dtype, a }: TensorPair): { wide: boolean; dtype: Dtype; count: number } {
  if (dtype === "C64") return { wide: false, dtype: "F32", count: a.length / 4 };
  return { wide: dtype === "F64", dtype, count: a.length / elementBytes(dtype) };
}

function blendFloats(kernels: Kernels, pair: TensorPair, { lambda, blend, allowNonfinite }: BlendSettings): Uint8Array {
  const { wide, dtype, count } = layout(pair);
  const { arena, wasm, u8 } = kernels;
  const bytes = count * (wide ? 8 : 4);
  const a = arena.allocate(bytes);
  const b = arena.allocate(bytes);
  if (wide) {
    u8(a, bytes).set(pair.a);
    u8(b, bytes).set(pair.b);
  } else {
    widen(kernels, a, pair.a, dtype, count);
    widen(kernels, b, pair.b, dtype, count);
  }
  if (!allowNonfinite) {
    requireFinite(kernels, a, count, `${pair.models[0]}: ${pair.name}`, wide);
    requireFinite(kernels, b, count, `${pair.models[1]}: ${pair.name}`, wide);
  }
  if (lambda === 0 || lambda === 1) return lambda === 0 ? pair.a : pair.b;
  const [weightA, weightB] = blend === "slerp" ? arcWeights(kernels, wide, a, b, count, lambda) : [1 - lambda, lambda];
  const combine = wide ? wasm.combine64 : wasm.combine32;
  combine(a, a, b, count, weightA, weightB);
  return wide ? u8(a, bytes).slice() : narrow(kernels, dtype, a, count);
}

/** The weights of a point at share `lambda` of the arc between two whole tensors (Shoemake 1985). */
function arcWeights(
  kernels: Kernels,
  wide: boolean,
  a: number,
  b: number,
  count: number,
  lambda: number,
): [number, number] {
  const dot = wide ? kernels.wasm.dot64 : kernels.wasm.dot32;
  const norms = Math.sqrt(dot(a, a, count)) * Math.sqrt(dot(b, b, count));
  const cosine = dot(a, b, count) / norms;
  if (!(Math.abs(cosine) < PARALLEL)) return [1 - lambda, lambda];
  return [kernels.wasm.slerpWeight(cosine, 1 - lambda), kernels.wasm.slerpWeight(cosine, lambda)];
}
