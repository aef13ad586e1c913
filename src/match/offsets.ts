/** Element offsets of strided dimensions, gathered through permutations: what the kernels walk along. */

import type { Dim } from "../spec/types.ts";

/** The permutation in force on a dimension, or null for "in place". */
export type Lookup = (permutation: number) => Int32Array | null;

/** Every dimension in place. */
export const inPlace: Lookup = () => null;

/**
 * Offsets of every index combination of `dims` in row-major order, starting at `base`; a permuted dimension steps
 * through `lookup`'s array. `dims` of no entries give `[base]`.
 */
export function enumerateOffsets(dims: readonly Dim[], base: number, lookup: Lookup): Int32Array {
  let offsets = Int32Array.of(base);
  for (const { size, stride, permutation } of dims) {
    const order = permutation >= 0 ? lookup(permutation) : null;
    const next = new Int32Array(offsets.length * size);
    let at = 0;
    for (const offset of offsets) {
      if (order === null) for (let i = 0; i < size; i++) next[at++] = offset + i * stride;
      else for (let i = 0; i < size; i++) next[at++] = offset + order[i]! * stride;
    }
    offsets = next;
  }
  return offsets;
}

/** True when walking `dims` in place visits consecutive elements. */
export function isContiguous(dims: readonly Dim[]): boolean {
  let run = 1;
  for (let d = dims.length - 1; d >= 0; d--) {
    if (dims[d]!.stride !== run) return false;
    run *= dims[d]!.size;
  }
  return true;
}

/** Number of index combinations. */
export function dimsCount(dims: readonly Dim[]): number {
  return dims.reduce((count, { size }) => count * size, 1);
}
