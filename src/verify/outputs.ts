/** NetworkOutputs of a network before and after its units were renumbered. */

/** All outputs of a network, one array each. */
export type NetworkOutputs = readonly (readonly number[] | Float32Array | Float64Array)[];

/** Throws `RangeError` for outputs that are no numbers: of these nothing can be compared. */
export function checkOutputs(name: string, outputs: NetworkOutputs): void {
  for (const [i, output] of outputs.entries())
    if (output.some((value) => !Number.isFinite(value)))
      throw new RangeError(
        `${name} output ${i} has NaN or infinities on random inputs, expected numbers: set the inputs`,
      );
}

/**
 * Outputs that changed prove something only if a second run of the same network gives the first ones again. Throws
 * `RangeError` where it does not: a dropout that was exported in training mode draws again in every run.
 */
export function checkRepeats(name: string, first: NetworkOutputs, second: NetworkOutputs, tolerance: number): void {
  if (largestDeviation(first, second) > tolerance)
    throw new RangeError(
      `${name} gives other outputs when it runs twice on the same inputs, expected the same: export it after model.eval(), without dropout`,
    );
}

/** Over all outputs: the largest difference, relative to the largest number of the output that was. */
export function largestDeviation(original: NetworkOutputs, other: NetworkOutputs): number {
  let worst = 0;
  for (const [k, before] of original.entries()) {
    const after = other[k]!;
    let [difference, scale] = [0, 0];
    for (let i = 0; i < before.length; i++) {
      const apart = Math.abs(before[i]! - after[i]!);
      // Not a number is as far as can be.
      difference = Number.isNaN(apart) ? Number.POSITIVE_INFINITY : Math.max(difference, apart);
      scale = Math.max(scale, Math.abs(before[i]!));
    }
    if (before.length !== after.length) return Number.POSITIVE_INFINITY;
    if (difference > 0) worst = Math.max(worst, scale === 0 ? Number.POSITIVE_INFINITY : difference / scale);
  }
  return worst;
}
