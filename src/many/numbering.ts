/** Permutations of a model by number and by name, and whose numbering of units an alignment uses. */

import type { ResolvedSpec } from "../axes/types.ts";
import type { Orders, Permutations } from "../perm/alignment.ts";
import { composePermutations, identityPermutation, invertPermutation } from "../perm/permutation.ts";

/** Every unit in place. */
export function identityOrders({ permutations }: ResolvedSpec): Orders {
  return permutations.map(({ size }) => identityPermutation(size));
}

/** Gathering by `inner` and then by `outer`, for every permutation. */
export function composeOrders(outer: Orders, inner: Orders): Orders {
  return outer.map((order, p) => composePermutations(order, inner[p]!));
}

/** `found` by number. */
export function byNumber({ permutations }: ResolvedSpec, found: Permutations): Orders {
  return permutations.map(({ name }) => found.get(name)!);
}

/** `orders` by name. */
export function byName({ permutations }: ResolvedSpec, orders: Orders): Map<string, Int32Array> {
  return new Map(permutations.map(({ name }, p) => [name, orders[p]!]));
}

/** The same alignment with its units numbered as in model number `reference`, which then stays as it is. */
export function numberedAs(orders: readonly Orders[], reference: number): Orders[] {
  const back = orders[reference]!.map(invertPermutation);
  return orders.map((own) => composeOrders(back, own));
}
