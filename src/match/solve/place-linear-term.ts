/** Puts a linear term in place for a matching: scales each matrix against the tensors' part of the objective. */

import { identityPermutation } from "../../perm/permutation.ts";
import { createKeptCosts } from "../costs/kept-costs.ts";
import { beginCosts, hasTerm, linearValue, withoutTerm } from "../costs/linear-term.ts";
import type { Workspace } from "../costs/workspace.ts";
import { assignGroup } from "./assign-group.ts";

/**
 * Puts `matrices` (by permutation number) in place, each scaled to `share` of what the tensors are worth at the
 * permutations that maximise the matrices alone. Returns the factors by number. What the weights disagree with (a
 * negative worth) counts by its size; a matrix of no worth counts nothing.
 */
export async function placeLinearTerm(
  workspace: Workspace,
  matrices: readonly (Float32Array | null)[],
  share: number,
  pause: () => Promise<void>,
): Promise<Float64Array> {
  const { problem, linear } = workspace;
  const sizes = problem.permutations.map(({ size }) => size);
  matrices.forEach((matrix, p) => {
    if (hasTerm(workspace, p)) linear.set(p, matrix);
  });
  const orders = sizes.map(identityPermutation);
  for (const group of problem.groups) {
    const members = [group.root, ...group.nested];
    if (!problem.free[group.root] || members.every((p) => matrices[p] === null)) continue;
    const { pointers } = workspace.kept;
    for (const p of members) await beginCosts(workspace, p, workspace.kept);
    for (const [p, order] of assignGroup(workspace, group, pointers)) orders[p] = order;
    await pause();
  }
  const given = orders.map((order, p) => linearValue(workspace, [[p, order]]));
  const tensors = createKeptCosts(withoutTerm(workspace), workspace.kept, pause);
  const factors = new Float64Array(sizes.length);
  for (let p = 0; p < sizes.length; p++) {
    if (!hasTerm(workspace, p) || !(given[p]! > 0)) continue;
    await tensors.bring(p, orders);
    factors[p] = (share * Math.abs(tensors.chosenSum(p, orders[p]!))) / given[p]!;
  }
  factors.forEach((factor, p) => {
    if (hasTerm(workspace, p)) linear.mix(p, linear, factor, 0);
  });
  return factors;
}
