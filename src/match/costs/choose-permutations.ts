/** Which permutations of a spec a matching may change, by name: the others stay in place. */

import type { ResolvedPermutation } from "../../axes/types.ts";
import { SpecError } from "../../base/errors.ts";
import type { OptionKinds } from "../../base/options.ts";

/**
 * Names of permutations, or `prefix*` for all that start so. What is in neither list may move unless `only` is
 * given.
 */
export interface Choice {
  readonly only?: readonly string[] | undefined;
  readonly except?: readonly string[] | undefined;
}

/** The kinds of its options. */
export const CHOICE: OptionKinds<Choice> = { only: "list", except: "list" };

/**
 * True for each permutation, by number, that may move. Permutations nested in one another are chosen together: naming
 * one names its whole group.
 *
 * @throws {SpecError} for a name of no permutation.
 */
export function choosePermutations(permutations: readonly ResolvedPermutation[], { only, except }: Choice): boolean[] {
  if (only === undefined && except === undefined) return permutations.map(() => true);
  const wanted = only === undefined ? null : rootsNamed(permutations, only);
  const unwanted = rootsNamed(permutations, except ?? []);
  return permutations.map((_, p) => {
    const root = rootOf(permutations, p);
    return (wanted === null || wanted.has(root)) && !unwanted.has(root);
  });
}

const rootOf = (permutations: readonly ResolvedPermutation[], p: number): number =>
  permutations[p]!.outer < 0 ? p : permutations[p]!.outer;

function rootsNamed(permutations: readonly ResolvedPermutation[], names: readonly string[]): Set<number> {
  const roots = new Set<number>();
  for (const name of names) {
    const prefix = name.endsWith("*") ? name.slice(0, -1) : null;
    let found = false;
    permutations.forEach((permutation, p) => {
      if (prefix === null ? permutation.name !== name : !permutation.name.startsWith(prefix)) return;
      found = true;
      roots.add(rootOf(permutations, p));
    });
    if (found) continue;
    const known = permutations.map((permutation) => permutation.name).join(", ");
    throw new SpecError(`permutation ${name} is not in the spec, expected one of ${known}`);
  }
  return roots;
}
