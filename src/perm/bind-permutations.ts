/** Permutations by name → the arrays a resolved spec refers to by number, checked against sizes and nesting. */

import type { ResolvedSpec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import { type Alignment, alignmentOf, type Permutations } from "./alignment.ts";
import { checkPermutation, identityPermutation, invertPermutation } from "./permutation.ts";

/**
 * One array per permutation of `resolved`, in its order. A name missing from `given` is the identity; where it is
 * nested, its blocks move with the outer one. Throws `SpecError` for an unknown name and for a nested permutation that
 * does not move whole blocks as its outer one does. Throws `RangeError` for arrays that are no permutations.
 */
export function bindPermutations(resolved: ResolvedSpec, given: Alignment | Permutations): Int32Array[] {
  const { permutations } = alignmentOf(given);
  const known = new Set(resolved.permutations.map(({ name }) => name));
  for (const name of permutations.keys()) {
    if (!known.has(name))
      throw new SpecError(`permutation ${name} is not in the spec, expected one of ${[...known].join(", ")}`);
  }
  const bound: Int32Array[] = [];
  const bind = (p: number): Int32Array => {
    const { name, size, outer, inner } = resolved.permutations[p]!;
    const order = bound[p] ?? permutations.get(name);
    if (order !== undefined) checkPermutation(name, order, size);
    bound[p] = order ?? (outer < 0 ? identityPermutation(size) : moveBlocks(bind(outer), inner));
    return bound[p];
  };
  for (const p of resolved.permutations.keys()) bind(p);
  resolved.permutations.forEach(({ name, outer, inner }, p) => {
    if (outer < 0) return;
    const blocks = bound[outer]!;
    bound[p]!.forEach((j, i) => {
      const block = Math.floor(i / inner);
      if (Math.floor(j / inner) === blocks[block]) return;
      const outerName = resolved.permutations[outer]!.name;
      throw new SpecError(
        `permutation ${name}[${i}] is ${j}, expected a unit of block ${blocks[block]}, as ${outerName} moves it`,
      );
    });
  });
  return bound;
}

/** Blocks of `inner` units in the order of `outer`, the units of each in place. */
function moveBlocks(outer: Int32Array, inner: number): Int32Array {
  return Int32Array.from(
    { length: outer.length * inner },
    (_, i) => outer[Math.floor(i / inner)]! * inner + (i % inner),
  );
}

/** The inverse of each array, for undoing an alignment. */
export function invertAll(permutations: readonly Int32Array[]): Int32Array[] {
  return permutations.map(invertPermutation);
}
