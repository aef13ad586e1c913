/**
 * What a step of descent gains: read from the cost matrices, which is cheap but rounded to f32, or from the tensors in
 * f64. A gain well above all rounding needs no second look at the tensors.
 */

import { K_BLOCK } from "../../kernels/constants.ts";
import { hasTerm, linearValue } from "../costs/linear-term.ts";
import type { Matrices } from "../costs/matrices.ts";
import { normProduct, tensorGain } from "../costs/objective.ts";
import type { Workspace } from "../costs/workspace.ts";

/** Half the distance from 1 to the next f32. */
const UNIT_ROUNDOFF = 2 ** -24;
/**
 * Rounding errors of a sum of n terms behave as a random walk: they stay within λ·√n·u of Σ|terms|. At λ = 8 the
 * probability of more no longer matters (Higham and Mary, A New Approach to Probabilistic Rounding Error Analysis,
 * 2019).
 */
const DEVIATIONS = 8;

/**
 * By group number, for matrices that were updated so often: what Σ C[i, new i] − Σ C[i, old i] may be off at most.
 * Infinity for a group whose gain is not linear in its permutations, or whose tensors come in blocks: the matrices do
 * not show it.
 */
export type Doubt = (group: number, updates: number) => number;

/** Reads every tensor once, now. */
export async function createDoubts(workspace: Workspace, pause: () => Promise<void>): Promise<Doubt> {
  const { problem } = workspace;
  const norms = new Float64Array(problem.tensors.length);
  for (let t = 0; t < norms.length; t++) {
    norms[t] = await normProduct(workspace, t);
    await pause();
  }
  const fresh = problem.groups.map(({ root, nested }, g) => {
    const members = new Set([root, ...nested]);
    const touched = problem.touched[g]!;
    const cells = touched.flatMap((t) => problem.tensors[t]!.cells);
    const within = (cell: (typeof cells)[number]): number =>
      cell.dims.filter(({ permutation }) => members.has(permutation)).length;
    if (
      touched.some((t) => problem.tensors[t]!.blocks) ||
      cells.some((cell) => within(cell) > 1) ||
      [...members].some((p) => hasTerm(workspace, p))
    )
      return Number.POSITIVE_INFINITY;
    const rows = problem.permutations[root]!.size;
    const sum = touched.reduce((all, t) => all + norms[t]! * walk(problem.tensors[t]!.elements / rows), 0);
    return 2 * DEVIATIONS * UNIT_ROUNDOFF * sum;
  });
  // An update adds a difference of two gathered tensors, each as large as B.
  return (group, updates) => fresh[group]! * Math.sqrt(1 + 2 * updates);
}

/** √ of the roundings in one entry, at most: a block's terms, then the blocks of at most so many columns. */
const walk = (columns: number): number => Math.sqrt(Math.min(columns, K_BLOCK) + columns / K_BLOCK);

/** The gain of `found` over `orders` by the matrices, by permutation number. */
export function gainByCosts(
  { chosenSum }: Pick<Matrices, "chosenSum">,
  orders: readonly Int32Array[],
  found: ReadonlyMap<number, Int32Array>,
): number {
  let gain = 0;
  for (const [p, order] of found) gain += chosenSum(p, order) - chosenSum(p, orders[p]!);
  return gain;
}

/** The gain for group `g` by the tensors, in f64: exact but expensive. */
export async function gainByTensors(
  workspace: Workspace,
  g: number,
  orders: readonly Int32Array[],
  found: ReadonlyMap<number, Int32Array>,
  pause: () => Promise<void>,
): Promise<number> {
  const before = [...found.keys()].map((p) => [p, orders[p]!] as const);
  let gain = linearValue(workspace, found) - linearValue(workspace, before);
  for (const t of workspace.problem.touched[g]!) {
    gain += await tensorGain(workspace, t, (p) => orders[p]!, found);
    await pause();
  }
  return gain;
}
