/** Gathers of axes with blocks, and with concatenations inside products. */

import type { ResolvedSegment } from "./types.ts";

/**
 * The slot of a permutation that the whole axis belongs to: of an expert, by the name of the tensor or its first axis.
 */
export interface Slot {
  readonly permutation: number;
  readonly at: number;
}

/**
 * The same where a factor depends on the slot of another: with the slots of all permutations so far beside each digit.
 */
export function blockDigits(
  { offset, factors }: ResolvedSegment,
  permutations: readonly Int32Array[],
  slot?: Slot,
): Int32Array {
  let digits = Int32Array.of(offset);
  let slots = new Map<number, Int32Array>(slot && [[slot.permutation, Int32Array.of(slot.at)]]);
  for (const factor of factors) {
    const { size, stride, permutation, within } = factor;
    const count = digits.length * size;
    const before = (at: number): number => Math.floor(at / size);
    const blocks = within === undefined ? undefined : slots.get(within)!;
    const own = Int32Array.from({ length: count }, (_, at) => (blocks?.[before(at)] ?? 0) * size + (at % size));
    const order = permutation < 0 ? undefined : permutations[permutation]!;
    const prefix = digits;
    // A unit's place inside its block is what is left of its number.
    digits = own.map((unit, at) => prefix[before(at)]! + ((order?.[unit] ?? unit) % size) * stride);
    slots = new Map(
      [...slots].map(([of, list]) => [of, Int32Array.from({ length: count }, (_, at) => list[before(at)]!)]),
    );
    if (permutation >= 0) slots.set(permutation, own);
  }
  return digits;
}

/** Writes the sources of a segment whose elements do not follow each other to their places. */
export function place(index: Int32Array, { offset, factors }: ResolvedSegment, sources: Int32Array): void {
  let places = [offset];
  for (const { size, stride } of factors)
    places = places.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * stride));
  places.forEach((to, at) => {
    index[to] = sources[at]!;
  });
}
