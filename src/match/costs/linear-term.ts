/**
 * A linear term of the objective: Σ_P ⟨L_P, P⟩ beside Σ ⟨A, π(B)⟩, for what is known of the units from elsewhere, such
 * as how their activations correlate. Every method honours it, since it is a constant part of each cost matrix.
 */

import type { Matrices } from "./matrices.ts";
import { tensorsObjective } from "./objective.ts";
import type { Workspace } from "./workspace.ts";

/** Costs from outside, and how much they count. */
export interface LinearTerm {
  /**
   * n×n row-major by permutation name, in any unit: see `share`. Permutations without one are matched by weights
   * alone.
   */
  readonly costs: ReadonlyMap<string, Float32Array>;
  /**
   * The share of a permutation's term next to the tensors it acts on. Each matrix is scaled to this share of the
   * tensors' part, both taken at the permutations that the costs alone would choose. From 0.
   */
  readonly share: number;
}

/** Whether permutation `p` has a linear term. */
export const hasTerm = ({ linear }: Workspace, p: number): boolean => linear.pointers[p] !== 0;

/** The same workspace without the linear term. */
export const withoutTerm = (workspace: Workspace): Workspace => ({
  ...workspace,
  linear: { ...workspace.linear, pointers: workspace.linear.pointers.map(() => 0) },
});

/** Starts the cost matrix of permutation `p` in `matrices`: with its linear term, or with zeros. */
export async function beginCosts(workspace: Workspace, p: number, matrices: Matrices): Promise<void> {
  await matrices.load(p, "replace");
  const { kernels, problem, linear } = workspace;
  const { size } = problem.permutations[p]!;
  matrices.set(p, hasTerm(workspace, p) ? kernels.f32(linear.pointers[p]!, size * size) : null);
}

/** Σ ⟨L_P, P⟩ in f64 over the permutations that `orders` has by number. */
export function linearValue(workspace: Workspace, orders: Iterable<readonly [number, Int32Array]>): number {
  const { linear } = workspace;
  let sum = 0;
  for (const [p, order] of orders) if (hasTerm(workspace, p)) sum += linear.chosenSum(p, order);
  return sum;
}

/** The objective of permutations by number, without the linear term and that term alone. */
export async function objectiveParts(
  workspace: Workspace,
  orders: readonly Int32Array[],
  pause: () => Promise<void>,
): Promise<{ weights: number; linear: number }> {
  const weights = await tensorsObjective(workspace, (p) => orders[p]!, pause);
  return { weights, linear: linearValue(workspace, orders.entries()) };
}

/** The objective of permutations by number, with the linear term. */
export async function wholeObjective(
  workspace: Workspace,
  orders: readonly Int32Array[],
  pause: () => Promise<void>,
): Promise<number> {
  const { weights, linear } = await objectiveParts(workspace, orders, pause);
  return weights + linear;
}
