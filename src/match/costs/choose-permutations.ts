/** Which permutations of a spec a matching may change, by name: the others stay in place. */

import type { ResolvedPermutation } from "../../axes/types.ts";
import { SpecError } from "../../base/errors.ts";
import type { OptionKinds } from "../../base/options.ts";

/**
 * Names of permutations, `prefix*` for all that start so, or a role (`ffn`) for all that have it. What is in neither
 * list may move unless `only` is given. A permutation that stays keeps the order of its units inside the blocks that it
 * is nested in.
 */
export interface Choice {
  readonly only?: readonly string[] | undefined;
  readonly except?: readonly string[] | undefined;
}

/** The kinds of its options. */
export const CHOICE: OptionKinds<Choice> = { only: "list", except: "list" };

/**
 * True for each permutation, by number, that may move. By name, permutations nested in one another are chosen together:
 * naming one names its whole group. A role names those that have it and no others.
 *
 * @throws {SpecError} for a name of no permutation.
 */
export function choosePermutations(permutations: readonly ResolvedPermutation[], { only, except }: Choice): boolean[] {
  if (only === undefined && except === undefined) return permutations.map(() => true);
  const wanted = only === undefined ? null : permutationsNamed(permutations, only);
  const unwanted = permutationsNamed(permutations, except ?? []);
  return permutations.map((_, p) => (wanted === null || wanted.has(p)) && !unwanted.has(p));
}

/** The permutation that `p` is nested in and that is nested in none. */
export function rootOf(permutations: readonly ResolvedPermutation[], p: number): number {
  let root = p;
  while (permutations[root]!.outer >= 0) root = permutations[root]!.outer;
  return root;
}

function permutationsNamed(permutations: readonly ResolvedPermutation[], names: readonly string[]): Set<number> {
  const named = new Set<number>();
  for (const name of names) {
    const prefix = name.endsWith("*") ? name.slice(0, -1) : null;
    const matches = permutations.map((each) => (prefix === null ? each.name === name : each.name.startsWith(prefix)));
    const roots = new Set(permutations.flatMap((_, p) => (matches[p] ? [rootOf(permutations, p)] : [])));
    let found = false;
    for (const [p, { role }] of permutations.entries()) {
      if (roots.size > 0 ? !roots.has(rootOf(permutations, p)) : role !== name) continue;
      found = true;
      named.add(p);
    }
    if (!found)
      throw new SpecError(`permutation ${name} is not in the spec, expected one of ${knownNames(permutations)}`);
  }
  return named;
}

function knownNames(permutations: readonly ResolvedPermutation[]): string {
  const names = permutations.map(({ name }) => name).join(", ");
  const roles = new Set(permutations.flatMap(({ role }) => (role === undefined ? [] : [role])));
  return roles.size === 0 ? names : `${names}, or of the roles ${[...roles].join(", ")}`;
}
