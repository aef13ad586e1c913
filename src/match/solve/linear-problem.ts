/**
 * Problems in which no cell is moved by two permutations, as in networks with one hidden layer. The objective is
 * linear, no cost matrix depends on other permutations, and one assignment per group is the optimum. There is nothing
 * to iterate.
 */

import { accumulateCost } from "../costs/accumulate-cost.ts";
import { beginCosts, wholeObjective } from "../costs/linear-term.ts";
import { inPlace } from "../costs/offsets.ts";
import { assignGroup } from "./assign-group.ts";
import { RELATIVE_GAIN } from "./coordinate.ts";
import type { Found, Run } from "./two-methods.ts";

/**
 * The optimum of a linear problem, by one sweep. Where it gains no more over the `identity` permutations, worth
 * `identityObjective`, than rounding can feign, these are returned.
 */
export async function solveLinear(
  { workspace, pause, onProgress }: Run,
  identity: readonly Int32Array[],
  identityObjective: number,
): Promise<Found> {
  const { problem, kept, blocks } = workspace;
  const found = [...identity];
  for (const group of problem.groups) {
    if (!problem.free[group.root]) continue;
    const solved = await blocks?.solveBlocks(workspace, group, inPlace, pause);
    for (const p of [group.root, ...group.nested]) {
      if (solved?.has(p)) continue;
      await beginCosts(workspace, p, kept);
      await accumulateCost(workspace, p, problem.occurrences[p]!, inPlace, kept, { pause });
    }
    for (const [p, order] of assignGroup(workspace, group, kept.pointers, { solved })) found[p] = order;
    await pause();
  }
  const optimum = await wholeObjective(workspace, found, pause);
  const gains = optimum - identityObjective > RELATIVE_GAIN * Math.abs(identityObjective);
  const [orders, objective] = gains ? [found, optimum] : [identity, identityObjective];
  onProgress?.({ stage: "coordinate", done: 1, objective });
  return { orders, objective, sweeps: 1, iterations: 0 };
}
