/**
 * Permutations as index arrays, in the gather convention used everywhere: `p[i] = j` means slot i of the result is
 * unit j of the source (numpy's `take`).
 */

/** 0, 1, …, n−1. */
export function identityPermutation(n: number): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => i);
}

/** The permutation that undoes `p`: gathering by one and then the other changes nothing. A fresh array. */
export function invertPermutation(p: Int32Array): Int32Array {
  const inverse = new Int32Array(p.length);
  for (let i = 0; i < p.length; i++) inverse[p[i]!] = i;
  return inverse;
}

/**
 * `p∘q`: gathering by the result is gathering by `q` first and by `p` then. A fresh array.
 *
 * @example
 * composePermutations(p, invertPermutation(p)); // identity
 */
export function composePermutations(p: Int32Array, q: Int32Array): Int32Array {
  if (p.length !== q.length) throw new RangeError(`permutation has ${q.length} entries, expected ${p.length}`);
  return p.map((j) => q[j]!);
}

/** How many units a permutation moves: entries with `p[i] ≠ i`. */
export function countMoved(p: Int32Array): number {
  let moved = 0;
  for (let i = 0; i < p.length; i++) if (p[i] !== i) moved++;
  return moved;
}

/** True when two permutations are the same. */
export function samePermutation(p: Int32Array, q: Int32Array): boolean {
  return p.length === q.length && p.every((j, i) => q[i] === j);
}

/**
 * Checks a permutation; `name` appears in the message.
 *
 * @throws {RangeError} unless `p` holds each of 0 … n−1 once.
 */
export function checkPermutation(name: string, p: Int32Array, n: number): void {
  if (p.length !== n) throw new RangeError(`permutation ${name} has ${p.length} entries, expected ${n}`);
  const seen = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    const j = p[i]!;
    if (j < 0 || j >= n) throw new RangeError(`permutation ${name}[${i}] is ${j}, expected 0 to ${n - 1}`);
    if (seen[j]) throw new RangeError(`permutation ${name} has ${j} twice, expected each of 0 to ${n - 1} once`);
    seen[j] = 1;
  }
}
