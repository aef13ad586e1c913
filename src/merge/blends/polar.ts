/** The orthogonal factor of a matrix, by products alone: Newton–Schulz steps with a scale (Chen, Chow 2014). */

import { product, transpose } from "./matrices.ts";

/**
 * Singular values below this share of the largest count as zero, and those a little above it only in part. Rounding
 * leaves some value in directions that a matrix does not have, and it must not grow to 1.
 */
const LEAST = 1e-7;

/**
 * The largest scale of a step. √3 would send a singular value of 1 to 0, where only rounding is left of its directions;
 * 1.6 sends it to .35.
 */
const MOST = 1.6;

/** UVᵀ of A = UΣVᵀ, rows × columns; directions without a singular value are zero. A zero matrix gives itself. */
export function polarFactor(a: Float64Array, rows: number, columns: number): Float64Array {
  if (rows < columns) return transpose(polarFactor(transpose(a, rows, columns), columns, rows), columns, rows);
  const bound = normBound(a, rows, columns);
  if (bound === 0) return a.slice();
  let x: Float64Array = a.map((value) => value / bound);
  // Singular values are between `least` and 1. The best scale makes the cubic step send both ends to one value.
  let least = LEAST;
  for (let isLast = false; !isLast; ) {
    isLast = 1 - least < 1e-14;
    const scale = isLast ? 1 : Math.min(MOST, Math.sqrt(3 / (1 + least + least * least)));
    x = step(x, rows, columns, scale);
    least = 0.5 * scale * least * (3 - scale * scale * least * least);
  }
  return x;
}

/** 3/2·s·X − 1/2·s³·X·XᵀX. */
function step(x: Float64Array, rows: number, columns: number, scale: number): Float64Array {
  const gram = product(x, x, rows, columns, columns);
  const cubed = product(transpose(x, rows, columns), gram, columns, rows, columns);
  const [one, three] = [1.5 * scale, 0.5 * scale * scale * scale];
  for (let e = 0; e < cubed.length; e++) cubed[e] = one * x[e]! - three * cubed[e]!;
  return cubed;
}

/** √(‖A‖₁·‖A‖∞), or the Frobenius norm where that is less: neither is below the largest singular value. */
function normBound(a: Float64Array, rows: number, columns: number): number {
  const sums = new Float64Array(columns);
  let largest = 0;
  let squares = 0;
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++) {
      const value = a[i * columns + j]!;
      sum += Math.abs(value);
      sums[j]! += Math.abs(value);
      squares += value * value;
    }
    largest = Math.max(largest, sum);
  }
  return Math.min(Math.sqrt(largest * sums.reduce((most, sum) => Math.max(most, sum), 0)), Math.sqrt(squares));
}
