/** Element offsets of strided dimensions, gathered through permutations: what the kernels walk along. */

import type { Dim } from "../../axes/types.ts";

/** The permutation in force on a dimension, or null for "in place". */
export type Lookup = (permutation: number) => Int32Array | null;

/** Every dimension in place. */
export const inPlace: Lookup = () => null;

/** Some slots of one permutation: where a dimension of it is walked, only these are. */
export interface Slots {
  readonly permutation: number;
  readonly slots: Int32Array;
}

/**
 * Offsets of every index combination of `dims` in row-major order, starting at `base`; a permuted dimension steps
 * through `lookup`'s array. `dims` of no entries give `[base]`. With `only`, dimensions of that permutation are walked
 * at its slots alone.
 */
export function enumerateOffsets(dims: readonly Dim[], base: number, lookup: Lookup, only?: Slots): Int32Array {
  let offsets = Int32Array.of(base);
  for (const { size, stride, permutation } of dims) {
    const order = permutation >= 0 ? lookup(permutation) : null;
    const slots = only !== undefined && permutation === only.permutation ? only.slots : null;
    const count = slots === null ? size : slots.length;
    const steps = new Int32Array(count);
    for (let s = 0; s < count; s++) {
      const slot = slots === null ? s : slots[s]!;
      steps[s] = (order === null ? slot : order[slot]!) * stride;
    }
    const next = new Int32Array(offsets.length * count);
    let at = 0;
    for (const offset of offsets) for (let s = 0; s < count; s++) next[at++] = offset + steps[s]!;
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

/** Whether the last dimension is walked element by element, and nothing moves in it. */
export function hasRun(dims: readonly Dim[]): boolean {
  const last = dims.at(-1);
  return last !== undefined && last.permutation < 0 && last.stride === 1;
}
