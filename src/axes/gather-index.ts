/** What permutations do to one axis of a tensor, as a gather. */

import { blockDigits, place, type Slot } from "./block-digits.ts";
import type { ResolvedAxis, ResolvedFactor, ResolvedSegment } from "./types.ts";

/**
 * What the permutations do to one axis, as a gather: `new[i] = old[index[i]]`. `permutations[k][i] = j` means that
 * slot i of the result is unit j of the source (numpy's `take`). Each factor permutes its own digit, segments are
 * independent. `slot` chooses the block of factors whose other permutation is not on this axis. Returns a fresh array.
 *
 * @throws {RangeError} when a permutation is not as long as its factor.
 *
 * @example
 * // "P*2" with P = [1, 0]: [2, 3, 0, 1]
 */
export function gatherIndex(axis: ResolvedAxis, permutations: readonly Int32Array[], slot?: Slot): Int32Array {
  const index = new Int32Array(axis.length);
  for (const segment of axis.segments) {
    const digits = isBlocked(segment) ? blockDigits(segment, permutations, slot) : plainDigits(segment, permutations);
    if (isContiguous(segment)) index.set(digits, segment.offset);
    else place(index, segment, digits);
  }
  return index;
}

const isBlocked = ({ factors }: ResolvedSegment): boolean => factors.some(({ within }) => within !== undefined);

function isContiguous({ factors }: ResolvedSegment): boolean {
  let run = 1;
  return factors.toReversed().every(({ size, stride }) => {
    const follows = stride === run || size === 1;
    run *= size;
    return follows;
  });
}

function plainDigits({ offset, factors }: ResolvedSegment, permutations: readonly Int32Array[]): Int32Array {
  let digits = Int32Array.of(offset);
  for (const factor of factors) digits = appendDigit(digits, factor, permutations);
  return digits;
}

function appendDigit(
  prefix: Int32Array,
  { size, stride, permutation }: ResolvedFactor,
  permutations: readonly Int32Array[],
): Int32Array<ArrayBuffer> {
  const order = permutation < 0 ? undefined : permutations[permutation];
  if (permutation >= 0 && order?.length !== size)
    throw new RangeError(`permutation ${permutation} has length ${order?.length}, expected ${size}`);
  const index = new Int32Array(prefix.length * size);
  for (let a = 0, at = 0; a < prefix.length; a++) {
    for (let i = 0; i < size; i++) index[at++] = prefix[a]! + (order === undefined ? i : order[i]!) * stride;
  }
  return index;
}
