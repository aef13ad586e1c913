/**
 * Iso-C (Marczak et al. 2025, arXiv 2502.04959): the merged difference of every matrix with all its singular values
 * equal.
 */

import type { BlendInput } from "./blend.ts";
import { polarFactor } from "./polar.ts";
import { addScaled } from "./sums.ts";
import { ontoBase } from "./task-arithmetic.ts";

/**
 * W₀ + taskScale · σ̄ · UVᵀ, for Σ w·δ = UΣVᵀ and σ̄ the mean singular value: tr((UVᵀ)ᵀ Σ w·δ)/min(m, n), so no
 * singular value is computed. Vectors and scalars get the weighted mean of differences. Kernels are matrices of one row
 * for each channel out.
 */
export async function isoC(input: BlendInput): Promise<Float64Array> {
  const { shape, channelsOut } = input;
  const weights = input.settings.weights!;
  const sum = await input.delta(0);
  for (let e = 0; e < sum.length; e++) sum[e]! *= weights[0]!;
  for (let i = 1; i < input.models; i++) addScaled(sum, await input.delta(i), weights[i]!);
  const rows = channelsOut === "last" ? sum.length / shape.at(-1)! : shape[0]!;
  const columns = sum.length / rows;
  if (shape.length < 2 || sum.length === 0) {
    const total = weights.reduce((all, weight) => all + weight, 0);
    return ontoBase(input, Math.abs(total) < 1e-8 ? sum : sum.map((value) => value / total));
  }
  const polar = polarFactor(sum, rows, columns);
  let trace = 0;
  for (let e = 0; e < sum.length; e++) trace += polar[e]! * sum[e]!;
  const mean = trace / Math.min(rows, columns);
  return ontoBase(
    input,
    polar.map((value) => value * mean),
  );
}
