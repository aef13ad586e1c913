/** Moves one tensor: one gather per axis that a permutation acts on, on raw elements of any dtype. */

import type { Slot } from "../axes/block-digits.ts";
import { gatherIndex } from "../axes/gather-index.ts";
import { stackedBy } from "../axes/slices.ts";
import type { ResolvedTensor } from "../axes/types.ts";
import { elementBytes } from "../base/dtype.ts";
import { elementCount } from "../base/model.ts";
import { copyOut } from "../kernels/convert.ts";
import type { Kernels } from "../kernels/kernels.ts";

/** The part of a tensor that decides how it moves. */
type Moved = Pick<ResolvedTensor, "axes" | "info" | "slice">;

/** The name of the tensor whose elements tensor `name` gets: its own, unless a permutation exchanges tensors. */
export function sourceOf(
  tensors: ReadonlyMap<string, ResolvedTensor>,
  name: string,
  permutations: readonly Int32Array[],
): string {
  const slice = tensors.get(name)?.slice;
  return slice === undefined ? name : slice.names[permutations[slice.permutation]![slice.at]!]!;
}

/**
 * `bytes` of the tensor `sourceOf` with every axis gathered by `permutations` (one array per permutation of the
 * resolved spec). Returns `bytes` itself when nothing moves, else a copy, in `into` if it is given. The bits of
 * elements never change.
 */
export function gatherTensor(
  kernels: Kernels,
  tensor: Moved,
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
  tensor: Moved,
  permutations: readonly Int32Array[],
  bytes: Uint8Array,
): number | null {
  const stacked = stackedBy(tensor);
  if (stacked !== undefined && bytes.length > 0) return gatherStack(kernels, tensor, stacked, permutations, bytes);
  const slot = tensor.slice && { permutation: tensor.slice.permutation, at: tensor.slice.at };
  return gatherAxes(kernels, tensor, permutations, bytes, slot);
}

/** Slices along the first axis, each gathered in its own order of blocks. */
function gatherStack(
  kernels: Kernels,
  tensor: Moved,
  permutation: number,
  permutations: readonly Int32Array[],
  bytes: Uint8Array,
): number {
  const target = kernels.arena.allocate(bytes.length);
  const order = permutations[permutation]!;
  const length = bytes.length / order.length;
  const slice = { ...tensor, axes: tensor.axes.slice(1), info: { ...tensor.info, shape: tensor.info.shape.slice(1) } };
  for (const [at, source] of order.entries()) {
    const mark = kernels.arena.mark();
    const own = bytes.subarray(source * length, (source + 1) * length);
    const moved = gatherAxes(kernels, slice, permutations, own, { permutation, at });
    const to = target + at * length;
    if (moved === null) kernels.u8(to, length).set(own);
    else kernels.u8(to, length).set(kernels.u8(moved, length));
    kernels.arena.release(mark);
  }
  return target;
}

function gatherAxes(
  kernels: Kernels,
  tensor: Moved,
  permutations: readonly Int32Array[],
  bytes: Uint8Array,
  slot: Slot | undefined,
): number | null {
  const moves = tensor.axes
    .map((axis, at) => ({ at, index: movingIndex(axis, permutations, slot) }))
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
function movingIndex(
  axis: ResolvedTensor["axes"][number],
  permutations: readonly Int32Array[],
  slot: Slot | undefined,
): Int32Array | null {
  if (axis.segments.every(({ factors }) => factors.every(({ permutation }) => permutation < 0))) return null;
  const index = gatherIndex(axis, permutations, slot);
  return index.every((j, i) => j === i) ? null : index;
}
