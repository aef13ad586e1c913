/** Comparing sets of permutations. */

/** Index of the first difference of two sets of permutations, or null. */
export function firstDifference(got: Map<string, Int32Array>, want: Map<string, Int32Array>): string | null {
  for (const [name, order] of want) {
    const at = order.findIndex((j, i) => got.get(name)![i] !== j);
    if (at >= 0) return `${name}[${at}] is ${got.get(name)![at]}, expected ${order[at]}`;
  }
  return null;
}
