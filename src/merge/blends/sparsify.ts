/** Which differences from the base are kept, and what makes up for the others. */

import type { Rng } from "../../base/rng.ts";
import type { Rescale } from "./blend.ts";
import { largest } from "./largest.ts";

/**
 * `magnitude`: the largest (TIES). `random`: each by chance (DARE). `outliers`: the largest but for the very largest
 * (breadcrumbs). `rank-random`: each by chance, larger ones with better chances (DELLA).
 */
export type Sparsify = "none" | "magnitude" | "random" | "outliers" | "rank-random";

/** What one model's differences are thinned out by. */
export interface Thinning {
  readonly density: number;
  /** `outliers`: share of the largest that is dropped. */
  readonly gamma?: number | undefined;
  /** `rank-random`: chances are density ± this. */
  readonly epsilon?: number | undefined;
  readonly rescale: Rescale;
  /** Rows of the tensor: `rank-random` ranks within each. */
  readonly rows: number;
  readonly rng: Rng;
}

/** Sets the others to zero and rescales, in place. A density of 1 keeps all as they are, 0 keeps none. */
export function sparsify(kind: Sparsify, delta: Float64Array, thinning: Thinning): void {
  const { density, rescale, rng } = thinning;
  if (kind === "none" || density === 1) return;
  if (density === 0) {
    delta.fill(0);
    return;
  }
  const before = rescale === "norm" ? sumOfSizes(delta) : 0;
  if (kind === "random") keep(delta, (_, draw) => draw < density, density, rescale, rng);
  else if (kind === "rank-random") {
    const chances = chancesByRank(delta, thinning);
    keep(delta, (e, draw) => draw < chances[e]!, rescale === "density" ? chances : 1, rescale, rng);
  } else {
    const kept = kind === "magnitude" ? largest(delta, atLeastOne(density, delta.length)) : between(delta, thinning);
    for (let e = 0; e < delta.length; e++) if (kept[e] === 0) delta[e] = 0;
    if (rescale === "density") multiply(delta, 1 / density);
  }
  if (rescale === "norm") {
    const after = sumOfSizes(delta);
    if (after > 0) multiply(delta, before / after);
  }
}

/** One draw for every element, kept or not; those kept are divided by their chance where that is asked for. */
function keep(
  delta: Float64Array,
  isKept: (e: number, draw: number) => boolean,
  chance: number | Float64Array,
  rescale: Rescale,
  rng: Rng,
): void {
  for (let e = 0; e < delta.length; e++) {
    if (!isKept(e, rng.uniform())) delta[e] = 0;
    else if (rescale === "density") delta[e]! /= typeof chance === "number" ? chance : chance[e]!;
  }
}

/** A share of `count`, rounded down, but one at least: small tensors are not lost whole. */
const atLeastOne = (density: number, count: number): number => Math.max(1, Math.floor(density * count));

/**
 * Without the largest `gamma`, then without the smallest; where both shares exceed the whole, fewer of the largest
 * go.
 */
function between(delta: Float64Array, { density, gamma = 0 }: Thinning): Uint8Array {
  const count = atLeastOne(density, delta.length);
  const top = Math.min(Math.floor(gamma * delta.length), delta.length - count);
  const kept = largest(delta, top + count);
  const dropped = largest(delta, top);
  for (let e = 0; e < kept.length; e++) if (dropped[e] === 1) kept[e] = 0;
  return kept;
}

/**
 * The chance of every element, linear in its rank by magnitude among those of its row, from density − ε to density
 * + ε.
 */
function chancesByRank(delta: Float64Array, { density, epsilon = 0, rows }: Thinning): Float64Array {
  const columns = delta.length / rows;
  const chances = new Float64Array(delta.length);
  if (columns === 1) return chances.fill(density);
  for (let row = 0; row < delta.length; row += columns) {
    const sizes = delta.slice(row, row + columns).map(Math.abs);
    const order = Uint32Array.from(sizes, (_, e) => e).sort((x, y) => sizes[x]! - sizes[y]! || x - y);
    order.forEach((e, rank) => {
      chances[row + e] = density - epsilon + (2 * epsilon * rank) / (columns - 1);
    });
  }
  return chances;
}

function sumOfSizes(values: Float64Array): number {
  let sum = 0;
  for (let e = 0; e < values.length; e++) sum += Math.abs(values[e]!);
  return sum;
}

function multiply(values: Float64Array, factor: number): void {
  for (let e = 0; e < values.length; e++) values[e]! *= factor;
}
