/** Loops over whole tensors. */

/** Adds `weight` times `values`. */
export function addScaled(sum: Float64Array, values: Float64Array, weight: number): void {
  for (let e = 0; e < sum.length; e++) sum[e]! += weight * values[e]!;
}

/** Divides every value. */
export function divideBy(values: Float64Array, divisor: number): void {
  for (let e = 0; e < values.length; e++) values[e]! /= divisor;
}
