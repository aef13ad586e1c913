/**
 * Permutations that number the units of several others together. An axis `G*H/G*V/G` is moved by the heads' permutation
 * and the units' at once. It is the columns of an attention's output: heads of a group, units of a head, whose order
 * the group shares. Matching treats all its units as one permutation with its own cost matrix, tied to the others.
 */

import type { ResolvedPermutation } from "../../axes/types.ts";
import type { FibreNumber } from "../../axes/views.ts";
import type { FibreList, Fibres } from "./nested-code.ts";

/** A list without fibres. */
export function listFibres(given: readonly ResolvedPermutation[]): FibreList {
  const permutations = [...given];
  const fibres = new Map<number, readonly number[]>();
  const known = new Map<string, number>();
  const number: FibreNumber = (outer, parts) => {
    const key = [outer, ...parts].join();
    const found = known.get(key);
    if (found !== undefined) return found;
    const inner = parts.reduce((product, p) => product * given[p]!.inner, 1);
    const blocks = given[outer]!;
    const name = [blocks.name, ...parts.map((p) => `${given[p]!.name}/${blocks.name}`)].join("*");
    known.set(key, permutations.length);
    fibres.set(permutations.length, parts);
    permutations.push({ name, size: blocks.size * inner, outer, inner, tensors: [] });
    return permutations.length - 1;
  };
  return { permutations, fibres, number };
}

/** `orders` of the permutations that a spec has, with those of fibres after them. */
export function withFibres(
  { permutations, fibres }: { readonly permutations: readonly ResolvedPermutation[]; readonly fibres: Fibres },
  orders: readonly Int32Array[],
): Int32Array[] {
  const all = [...orders];
  for (const [p, parts] of fibres) all[p] = fibreOrder(permutations, p, parts, all);
  return all;
}

/** The order of fibre `p` that the orders of its outer permutation and of its parts make up. */
export function fibreOrder(
  permutations: readonly ResolvedPermutation[],
  p: number,
  parts: readonly number[],
  orders: { readonly [permutation: number]: Int32Array },
): Int32Array {
  const { size, outer, inner } = permutations[p]!;
  const order = new Int32Array(size);
  for (let unit = 0; unit < size; unit++) {
    const block = Math.floor(unit / inner);
    let source = orders[outer]![block]!;
    let left = unit % inner;
    let below = inner;
    for (const part of parts) {
      const own = permutations[part]!.inner;
      below /= own;
      const digit = Math.floor(left / below);
      left %= below;
      source = source * own + (orders[part]![block * own + digit]! % own);
    }
    order[unit] = source;
  }
  return order;
}
