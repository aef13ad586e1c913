/**
 * Task arithmetic and the methods made from it, as one routine: W₀ + λ · Σ w·thinned(W − W₀), with or without a vote on
 * signs.
 *
 * Task arithmetic: Ilharco et al. 2023, arXiv 2212.04089. TIES: Yadav et al. 2023, 2306.01708. DARE: Yu et al. 2024,
 * 2311.03099. Breadcrumbs: Davari, Belilovsky 2024, 2312.06795. DELLA: Deep et al. 2024, 2406.11617.
 */

import type { BlendInput, TensorBlend } from "./blend.ts";
import { type Sparsify, sparsify } from "./sparsify.ts";
import { addScaled } from "./sums.ts";

/** A sum of weights smaller than this divides nothing. */
const NO_WEIGHT = 1e-8;

/** The blend that thins differences out by `kind`; with `votes`, only those of the majority's sign are added. */
export const taskBlend =
  (kind: Sparsify, votes: boolean): TensorBlend =>
  async (input) => {
    const sum = votes ? await sumOfMajority(input, kind) : await sumOfAll(input, kind);
    return ontoBase(input, sum);
  };

/** W₀ + taskScale · sum, in place of the sum. */
export async function ontoBase({ base, settings }: BlendInput, sum: Float64Array): Promise<Float64Array> {
  const { taskScale = 1 } = settings;
  const from = (await base())!;
  for (let e = 0; e < sum.length; e++) sum[e] = from[e]! + taskScale * sum[e]!;
  return sum;
}

/** What model number `i` differs by, thinned out and weighted. */
async function partOf(input: BlendInput, kind: Sparsify, i: number): Promise<Float64Array> {
  const { density = [], gamma = [], epsilon = [], weights, rescale = "none" } = input.settings;
  const delta = await input.delta(i);
  const rows = input.shape.length > 1 ? input.shape[0]! : 1;
  const rng = input.rng(i);
  sparsify(kind, delta, { density: density[i] ?? 1, gamma: gamma[i], epsilon: epsilon[i], rescale, rows, rng });
  for (let e = 0; e < delta.length; e++) delta[e]! *= weights![i]!;
  return delta;
}

async function sumOfAll(input: BlendInput, kind: Sparsify): Promise<Float64Array> {
  const { weights, normalize } = input.settings;
  const sum = await partOf(input, kind, 0);
  for (let i = 1; i < input.models; i++) addScaled(sum, await partOf(input, kind, i), 1);
  const total = weights!.reduce((all, weight) => all + weight, 0);
  if (normalize && Math.abs(total) >= NO_WEIGHT) for (let e = 0; e < sum.length; e++) sum[e]! /= total;
  return sum;
}

/** The sum of those parts whose sign is that of the sum of all; 0 counts as positive. */
async function sumOfMajority(input: BlendInput, kind: Sparsify): Promise<Float64Array> {
  const { weights, normalize = false } = input.settings;
  const parts: Float64Array[] = [];
  for (let i = 0; i < input.models; i++) parts.push(await partOf(input, kind, i));
  const sum = new Float64Array(parts[0]!.length);
  for (let e = 0; e < sum.length; e++) {
    let all = 0;
    for (const part of parts) all += part[e]!;
    const sign = all >= 0 ? 1 : -1;
    let agreeing = 0;
    let total = 0;
    parts.forEach((part, i) => {
      if (!(part[e]! * sign > 0)) return;
      agreeing += part[e]!;
      total += weights![i]!;
    });
    sum[e] = normalize && Math.abs(total) >= NO_WEIGHT ? agreeing / total : agreeing;
  }
  return sum;
}
