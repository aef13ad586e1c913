/** Cost matrices that come from outside: checked, and by the numbers of a spec's permutations. */

import type { ResolvedPermutation } from "../../axes/types.ts";
import { SpecError } from "../../base/errors.ts";

/**
 * The matrix of each permutation by number, null where there is none. Throws `SpecError` for a name the spec does not
 * have, `RangeError` for a matrix that is not n×n or not finite.
 */
export function checkCosts(
  permutations: readonly ResolvedPermutation[],
  costs: ReadonlyMap<string, Float32Array>,
): (Float32Array | null)[] {
  const sizes = new Map(permutations.map(({ name, size }) => [name, size]));
  for (const [name, matrix] of costs) {
    const n = sizes.get(name);
    if (n === undefined)
      throw new SpecError(`costs of ${name} are of no permutation, expected some of ${[...sizes.keys()].join(", ")}`);
    if (matrix.length !== n * n)
      throw new RangeError(`costs of ${name} have ${matrix.length} entries, expected ${n} × ${n}`);
    const bad = matrix.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw new RangeError(
        `costs of ${name} have ${matrix[bad]} at [${Math.floor(bad / n)}, ${bad % n}], expected finite numbers`,
      );
  }
  return permutations.map(({ name }) => costs.get(name) ?? null);
}
