/** Permutations drawn at random for some of a spec's groups. */

import type { ResolvedPermutation, ResolvedSpec } from "../axes/types.ts";
import { type Rng, randomPermutation } from "../base/rng.ts";
import { identityPermutation } from "../perm/permutation.ts";

/**
 * Random permutations of the groups that `moves` is true for, by name; the others stay, but for those that are nested
 * in one that moves: they go with its blocks.
 */
export function randomPermutations(
  { permutations }: ResolvedSpec,
  rng: Rng,
  moves: (name: string) => boolean,
): Map<string, Int32Array> {
  const drawn = new Map<string, Int32Array>();
  const orderOf = (at: number): Int32Array => {
    const group = permutations[at]!;
    const known = drawn.get(group.name);
    if (known !== undefined) return known;
    const order = draw(group, moves(group.name), rng, orderOf);
    drawn.set(group.name, order);
    return order;
  };
  for (const at of permutations.keys()) orderOf(at);
  return drawn;
}

function draw(
  { size, outer, inner }: ResolvedPermutation,
  moves: boolean,
  rng: Rng,
  orderOf: (at: number) => Int32Array,
): Int32Array {
  if (outer < 0) return moves ? moved(size, rng) : identityPermutation(size);
  const order = new Int32Array(size);
  for (const [block, source] of orderOf(outer).entries()) {
    const units = moves ? moved(inner, rng) : identityPermutation(inner);
    for (const [i, unit] of units.entries()) order[block * inner + i] = source * inner + unit;
  }
  return order;
}

/** Not the identity, where there is another: a group that stays proves nothing. */
function moved(size: number, rng: Rng): Int32Array {
  for (;;) {
    const order = randomPermutation(size, rng);
    if (size < 2 || order.some((unit, i) => unit !== i)) return order;
  }
}
