/** The message about the first value that is no number. */

/**
 * Throws `RangeError` for the first NaN or infinity of `values`, of which there must be one. `first`: how many the
 * tensor has before them.
 */
export function refuseNonfinite(
  model: string,
  tensor: string,
  values: Float32Array | Float64Array,
  first: number = 0,
): never {
  const at = values.findIndex((value) => !Number.isFinite(value));
  throw new RangeError(`${model}: ${tensor} has ${values[at]} at element ${first + at}, expected finite numbers`);
}
