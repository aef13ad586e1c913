/**
 * How many permutations a spec leaves free: the number of equivalent copies of a model that the matcher chooses
 * from.
 */

import type { ResolvedSpec } from "./types.ts";

/**
 * log10 of the number of settings of all permutations: Π n!, and for a nested permutation (inner!)^blocks beside its
 * outer's own factorial. Rounded to six decimals, since engines differ in the last bits of `log10`; for display.
 */
export function log10Symmetries(resolved: ResolvedSpec): number {
  let total = 0;
  for (const { size, outer, inner } of resolved.permutations) {
    total += outer < 0 ? log10Factorial(size) : log10Factorial(inner) * (size / inner);
  }
  return Math.round(total * 1e6) / 1e6;
}

/** The product is kept as mantissa and decimal exponent, so that one logarithm is taken and not n. */
function log10Factorial(n: number): number {
  let mantissa = 1;
  let exponent = 0;
  for (let k = 2; k <= n; k++) {
    mantissa *= k;
    while (mantissa >= 10) {
      mantissa /= 10;
      exponent += 1;
    }
  }
  return exponent + Math.log10(mantissa);
}
