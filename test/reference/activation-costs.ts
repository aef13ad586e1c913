/** Costs of activation matching by their definitions: two passes over all rows, everything in f64. */

import type { ActivationCost } from "../../src/by-data/activation-statistics.ts";

/** n×n from `[rows, n]` activations of both. A unit without variance has correlation 0. */
export function referenceCosts(a: Float32Array, b: Float32Array, n: number, kind: ActivationCost): Float64Array {
  const rows = a.length / n;
  const centre = kind === "correlation";
  const [meanA, meanB] = [a, b].map((values) =>
    Array.from({ length: n }, (_, i) => {
      let sum = 0;
      for (let r = 0; r < rows; r++) sum += values[r * n + i]!;
      return centre ? sum / rows : 0;
    }),
  ) as [number[], number[]];
  const deviation = (values: Float32Array, mean: number[], i: number): number => {
    let sum = 0;
    for (let r = 0; r < rows; r++) sum += (values[r * n + i]! - mean[i]!) ** 2;
    return Math.sqrt(sum / rows);
  };
  const costs = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let r = 0; r < rows; r++) sum += (a[r * n + i]! - meanA[i]!) * (b[r * n + j]! - meanB[j]!);
      const scale = centre ? deviation(a, meanA, i) * deviation(b, meanB, j) : 1;
      costs[i * n + j] = scale === 0 ? 0 : sum / rows / scale;
    }
  }
  return costs;
}
