/** Blends two tensors of raw bytes: lerp or slerp, in f32 (F64 in f64), back to the dtype they came in. */

import type { ResolvedTensor } from "../../axes/types.ts";
import { DTYPES, type Dtype, elementBytes } from "../../base/dtype.ts";
import { copyOut, narrow, widen, widenInside } from "../../kernels/convert.ts";
import { requireFinite } from "../../kernels/finite.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import { gatherInside, gatherTensor } from "../../perm/gather-tensor.ts";

/** The weights of two whole tensors, by pointers to `count` values: f64 where `wide`, else f32. */
export type PairWeights = (
  kernels: Kernels,
  wide: boolean,
  a: number,
  b: number,
  count: number,
  lambda: number,
) => readonly [number, number];

/** How values between two models are found: on the line between them, or on the arc. */
export type Blend = "lerp" | "slerp";

/** The blends of the core. Others are in `merge/blends/`, and load on demand. */
export const PAIR_BLENDS: readonly Blend[] = ["lerp", "slerp"];

/** Two tensors of the same name, dtype and shape, as raw little-endian bytes: B's as its file has them. */
export interface TensorPair {
  readonly name: string;
  /** Their axes, and the permutations that align B. */
  readonly tensor: Pick<ResolvedTensor, "axes" | "info" | "slice">;
  readonly permutations: readonly Int32Array[];
  /** What the two models are called in messages. */
  readonly models: readonly [string, string];
  readonly dtype: Dtype;
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  /** Elements of the tensor before these, where they are a part of it. */
  readonly first?: number | undefined;
}

export interface PairSettings {
  readonly lambda: number;
  /** Of the arc, which `loadArc` gives; on the line without it. */
  readonly arc: PairWeights | undefined;
  readonly allowNonfinite: boolean;
}

/**
 * (1−λ)·a + λ·π(b) in the pair's dtype. Where nothing moves, returns `a` or `b` itself (no copy) for λ = 0 and 1 and
 * for dtypes that are only copied. Otherwise returns `into` with the result, or a new array. Throws `RangeError` for
 * NaN or infinity and `TypeError` for packed dtypes.
 */
export function blendTensor(kernels: Kernels, pair: TensorPair, settings: PairSettings, into?: Uint8Array): Uint8Array {
  const { dtype } = pair;
  const { kind } = DTYPES[dtype];
  const { lambda } = settings;
  const aligned = (): Uint8Array => gatherTensor(kernels, pair.tensor, pair.permutations, pair.b, into);
  if (kind === "integer" || kind === "bool") return lambda === 1 ? aligned() : pair.a;
  if (kind === "packed" || kind === "opaque") {
    if (lambda === 0 || lambda === 1) return lambda === 0 ? pair.a : aligned();
    throw new TypeError(`${pair.name} is ${dtype}, expected a float, integer or bool dtype to blend`);
  }
  const mark = kernels.arena.mark();
  try {
    return blendFloats(kernels, pair, settings, into);
  } finally {
    kernels.arena.release(mark);
  }
}

/** How a dtype is computed with: complex numbers are pairs of f32. */
function layout({ dtype, a }: TensorPair): { wide: boolean; dtype: Dtype; count: number } {
  if (dtype === "C64") return { wide: false, dtype: "F32", count: a.length / 4 };
  return { wide: dtype === "F64", dtype, count: a.length / elementBytes(dtype) };
}

function blendFloats(
  kernels: Kernels,
  pair: TensorPair,
  { lambda, arc, allowNonfinite }: PairSettings,
  into?: Uint8Array,
): Uint8Array {
  const { wide, dtype, count } = layout(pair);
  const { wasm } = kernels;
  const moved = gatherInside(kernels, pair.tensor, pair.permutations, pair.b);
  const a = placeFloats(kernels, pair.a, wide ? null : dtype, count);
  const b =
    moved !== null && (wide || dtype === "F32")
      ? moved
      : placeFloats(kernels, moved ?? pair.b, wide ? null : dtype, count);
  if (!allowNonfinite) {
    requireFinite(kernels, a, count, `${pair.models[0]}: ${pair.name}`, wide, pair.first);
    requireFinite(kernels, b, count, `${pair.models[1]}: ${pair.name}`, wide, pair.first);
  }
  if (lambda === 0) return pair.a;
  if (lambda === 1) return moved === null ? pair.b : copyOut(kernels, moved, pair.b.length, into);
  const [weightA, weightB] = arc?.(kernels, wide, a, b, count, lambda) ?? [1 - lambda, lambda];
  const combine = wide ? wasm.combine64 : wasm.combine32;
  combine(a, a, b, count, weightA, weightB);
  return wide ? copyOut(kernels, a, 8 * count, into) : narrow(kernels, dtype, a, count, into);
}

/**
 * `count` values as f32, or as they are where `dtype` is null (F64), from bytes or from a pointer to bytes; a
 * pointer.
 */
function placeFloats(kernels: Kernels, from: Uint8Array | number, dtype: Dtype | null, count: number): number {
  const { arena, u8 } = kernels;
  const pointer = arena.allocate(count * (dtype === null ? 8 : 4));
  if (typeof from === "number") widenInside(kernels, pointer, from, dtype!, count);
  else if (dtype === null) u8(pointer, from.length).set(from);
  else widen(kernels, pointer, from, dtype, count);
  return pointer;
}
