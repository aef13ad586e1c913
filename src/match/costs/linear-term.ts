/**
 * A linear term of the objective: Σ_P ⟨L_P, P⟩ beside Σ ⟨A, π(B)⟩, for what is known of the units from elsewhere, such as
 * how their activations correlate. Every method honours it, since it is a constant part of each cost matrix.
 */

import { objectiveByTensor } from "./objective.ts";
import type { Workspace } from "./workspace.ts";

/** Costs from outside, and how much they count. */
export interface LinearTerm {
  /** n×n row-major by permutation name, in any unit: see `share`. Permutations without one are matched by weights alone. */
  readonly costs: ReadonlyMap<string, Float32Array>;
  /**
   * What the term of a permutation counts, next to the tensors it acts on, where both are at the permutations that the
   * costs alone would choose: each matrix is scaled so that it is worth this share of the tensors' part there. From 0.
   */
  readonly share: number;
}

/** Writes the start of a cost matrix of permutation `p` to `c`: its linear term, or zeros. */
export function beginCosts({ kernels, problem, linear }: Workspace, p: number, c: number): void {
  const { size } = problem.permutations[p]!;
  const cells = kernels.f32(c, size * size);
  const term = linear[p] ?? 0;
  if (term === 0) cells.fill(0);
  else cells.set(kernels.f32(term, size * size));
}

/** Σ ⟨L_P, P⟩ in f64 over the permutations that `orders` has by number. */
export function linearValue(workspace: Workspace, orders: Iterable<readonly [number, Int32Array]>): number {
  const { kernels, assigned, linear } = workspace;
  let sum = 0;
  if (linear.length === 0) return sum;
  for (const [p, order] of orders) {
    if (linear[p] === 0) continue;
    kernels.i32(assigned, order.length).set(order);
    sum += kernels.wasm.selectedSum(linear[p]!, order.length, order.length, assigned);
  }
  return sum;
}

/** The objective of permutations by number, without the linear term and that term alone. */
export async function objectiveParts(
  workspace: Workspace,
  orders: readonly Int32Array[],
  pause: () => Promise<void>,
): Promise<{ weights: number; linear: number }> {
  const { total } = await objectiveByTensor(workspace, (p) => orders[p]!, pause);
  return { weights: total, linear: linearValue(workspace, orders.entries()) };
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
