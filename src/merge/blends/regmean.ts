/**
 * RegMean (Jin et al. 2023, arXiv 2212.09849): the matrix whose outputs are nearest to all models' outputs on their
 * inputs.
 */

import type { BlendInput } from "./blend.ts";
import { linear } from "./linear.ts";
import { product, solveDefinite, transpose } from "./matrices.ts";
import { addScaled } from "./sums.ts";

/**
 * Added to every diagonal, as a share of the mean diagonal entry: inputs that no image shows get the mean of the
 * models.
 */
const RIDGE = 1e-6;

/**
 * (Σ w·G)⁻¹ Σ w·G·W for a matrix W of inputs × outputs and G the Gram matrix of each model's inputs, with entries off
 * the diagonal multiplied by `offDiagonal`. Tensors without a Gram matrix get the weighted mean.
 */
export async function regmean(input: BlendInput): Promise<Float64Array> {
  const { name, models, shape, channelsOut, settings } = input;
  const weights = settings.weights!;
  const grams: Float64Array[] = [];
  for (let i = 0; i < models; i++) {
    const gram = await input.gram(i);
    if (gram === undefined) return linear({ ...input, settings: { weights, normalize: true } });
    grams.push(gram);
  }
  const n = Math.round(Math.sqrt(grams[0]!.length));
  const outputs = channelsOut === "last" ? shape.at(-1)! : shape[0]!;
  if (n * outputs !== shape.reduce((all, size) => all * size, 1) || grams.some(({ length }) => length !== n * n))
    throw new RangeError(
      `${name}: a Gram matrix of ${grams.map(({ length }) => length).join(", ")} numbers, expected one of inputs × inputs`,
    );
  const ridge = RIDGE * meanDiagonal(grams, n);
  const left = new Float64Array(n * n);
  const right = new Float64Array(n * outputs);
  for (const [i, gram] of grams.entries()) {
    const own = shrunk(gram, n, settings.offDiagonal!, ridge);
    const values = await input.values(i);
    const matrix = channelsOut === "last" ? values : transpose(values, outputs, n);
    addScaled(left, own, weights[i]!);
    addScaled(right, product(own, matrix, n, n, outputs), weights[i]!);
  }
  const solved = solveDefinite(left, right, n, outputs);
  if (solved === undefined)
    throw new RangeError(
      `${name}: Gram matrices have no single solution, expected weights above 0 and inputs that are finite`,
    );
  return channelsOut === "last" ? solved : transpose(solved, n, outputs);
}

/** The Gram matrix with smaller entries off the diagonal, and larger ones on it. */
function shrunk(gram: Float64Array, n: number, offDiagonal: number, ridge: number): Float64Array {
  const own = gram.map((value) => value * offDiagonal);
  for (let d = 0; d < n * n; d += n + 1) own[d] = gram[d]! + ridge;
  return own;
}

/** 1 where all are zero: then any diagonal is as good. */
function meanDiagonal(grams: readonly Float64Array[], n: number): number {
  let sum = 0;
  for (const gram of grams) for (let d = 0; d < n * n; d += n + 1) sum += gram[d]!;
  return sum > 0 ? sum / (n * grams.length) : 1;
}
