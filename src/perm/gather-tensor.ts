/** Moves one tensor: one gather per axis that a permutation acts on, on raw elements of any dtype. */

import { gatherIndex } from "../axes/axis.ts";
import type { ResolvedTensor } from "../axes/types.ts";
import { elementBytes } from "../base/dtype.ts";
import { elementCount } from "../base/model.ts";
import { copyOut } from "../kernels/convert.ts";
import type { Kernels } from "../kernels/kernels.ts";

/**
 * `bytes` of `tensor` with every axis gathered by `permutations` (one array per permutation of the resolved spec).
 * Returns `bytes` itself when nothing moves, else a copy, in `into` if it is given. The bits of elements never change.
 */
export function gatherTensor(
  kernels: Kernels,
  tensor: Pick<ResolvedTensor, "axes" | "info">,
  permutations: readonly Int32Array[],
  bytes: Uint8Array,
  into?: Uint8Array,
): Uint8Array {
  const mark = kernels.arena.mark();
  try {
    const moved = gatherInside(kernels, tensor, permutations, bytes);
    return moved === null ? bytes : copyOut(kernels, moved, bytes.length, into);
  } finally {
    kernels.arena.release(mark);
  }
}

/** The same left in wasm memory, which the caller releases; null when nothing moves. */
export function gatherInside(
  kernels: Kernels,
  tensor: Pick<ResolvedTensor, "axes" | "info">,
  permutations: readonly Int32Array[],
  bytes: Uint8Array,
): number | null {
  const moves = tensor.axes
    .map((axis, at) => ({ at, index: movingIndex(axis, permutations) }))
    .filter((move) => move.index !== null);
  if (moves.length === 0 || bytes.length === 0) return null;
  const { shape, dtype } = tensor.info;
  let source = kernels.arena.allocate(bytes.length);
  let target = kernels.arena.allocate(bytes.length);
  const indexPointer = kernels.arena.allocate(4 * Math.max(...moves.map(({ index }) => index!.length)));
  kernels.u8(source, bytes.length).set(bytes);
  for (const { at, index } of moves) {
    kernels.i32(indexPointer, index!.length).set(index!);
    const batch = elementCount(shape.slice(0, at));
    const runBytes = elementCount(shape.slice(at + 1)) * elementBytes(dtype);
    kernels.wasm.gather(target, source, batch, shape[at]!, runBytes, indexPointer);
    [source, target] = [target, source];
  }
  return source;
}

/** The gather index of an axis, or null when it leaves everything in place. */
function movingIndex(axis: ResolvedTensor["axes"][number], permutations: readonly Int32Array[]): Int32Array | null {
  if (axis.segments.every(({ factors }) => factors.every(({ permutation }) => permutation < 0))) return null;
  const index = gatherIndex(axis, permutations);
  return index.every((j, i) => j === i) ? null : index;
}
