/**
 * SCE (Wan et al. 2024, arXiv 2408.07990): select positions where models differ, weigh models by energy, erase
 * minorities.
 */

import type { BlendInput } from "./blend.ts";
import { largest } from "./largest.ts";
import { ontoBase } from "./task-arithmetic.ts";

/**
 * One tensor of the blend. Weights are mean squares of what is selected. If all differences are c times as large, so is
 * the blend. (mergekit uses equal weights where they sum to less than 1e-6.)
 */
export async function sce(input: BlendInput): Promise<Float64Array> {
  const deltas: Float64Array[] = [];
  for (let i = 0; i < input.models; i++) deltas.push(await input.delta(i));
  const share = input.settings.density![0]!;
  if (share < 1) select(deltas, share);
  const energies = deltas.map(meanSquare);
  const total = energies.reduce((sum, energy) => sum + energy, 0);
  const weights = energies.map((energy) => (total > 0 ? energy / total : 1 / deltas.length));
  return ontoBase(input, agreeingMean(deltas, weights));
}

/** Zero wherever the variance over models is not among the largest `share` of those that are not zero. */
function select(deltas: readonly Float64Array[], share: number): void {
  const variances = new Float64Array(deltas[0]!.length);
  let differing = 0;
  for (let e = 0; e < variances.length; e++) {
    let mean = 0;
    for (const delta of deltas) mean += delta[e]! / deltas.length;
    for (const delta of deltas) variances[e]! += ((delta[e]! - mean) * (delta[e]! - mean)) / deltas.length;
    if (variances[e]! > 0) differing++;
  }
  const kept = largest(variances, Math.floor(share * differing));
  for (const delta of deltas) for (let e = 0; e < delta.length; e++) if (kept[e] === 0) delta[e] = 0;
}

function meanSquare(values: Float64Array): number {
  let sum = 0;
  for (let e = 0; e < values.length; e++) sum += values[e]! * values[e]!;
  return sum / values.length;
}

/** The weighted mean of those whose sign is that of the sum of all, unweighted. */
function agreeingMean(deltas: readonly Float64Array[], weights: readonly number[]): Float64Array {
  const mean = new Float64Array(deltas[0]!.length);
  for (let e = 0; e < mean.length; e++) {
    let all = 0;
    for (const delta of deltas) all += delta[e]!;
    let agreeing = 0;
    let total = 0;
    deltas.forEach((delta, i) => {
      if (!(all >= 0 ? delta[e]! > 0 : delta[e]! < 0)) return;
      agreeing += weights[i]! * delta[e]!;
      total += weights[i]!;
    });
    mean[e] = total > 0 ? agreeing / total : 0;
  }
  return mean;
}
