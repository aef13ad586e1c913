/** The cost matrix of one permutation, as a picture wants it. */

import { createYielder } from "../src/base/progress.ts";
import { createKernels } from "../src/kernels/kernels.ts";
import { accumulateCost } from "../src/match/costs/accumulate-cost.ts";
import { outlineProblem, readProblem } from "../src/match/costs/problem.ts";
import { createWorkspace } from "../src/match/costs/workspace.ts";
import { bindPermutations } from "../src/perm/bind-permutations.ts";
import type { CostValues } from "./calls.ts";
import type { Session } from "./session.ts";

/**
 * What the last step of a matching saw: C[i, j] is what the objective gains when slot i takes unit j of B, all other
 * permutations as they were found. Reads only the tensors that the permutation acts on.
 */
export async function costValues(
  { a, b, resolved }: Session,
  permutations: ReadonlyMap<string, Int32Array>,
  name: string,
  signal: AbortSignal,
): Promise<CostValues> {
  const p = resolved.permutations.findIndex((permutation) => permutation.name === name);
  const { size: n, tensors } = resolved.permutations[p]!;
  const orders = bindPermutations(resolved, permutations);
  // Of the others nothing is computed, so they take no matrices.
  const outline = outlineProblem({
    ...resolved,
    tensors: resolved.tensors.filter((tensor) => tensors.includes(tensor.name)),
    permutations: resolved.permutations.map((each, q) => (q === p ? each : { ...each, size: 0 })),
  });
  const kernels = createKernels();
  const workspace = createWorkspace(kernels, await readProblem(a, b, outline, { signal }), false, true);
  const c = workspace.kept.pointers[p]!;
  kernels.f32(c, n * n).fill(0);
  const pause = createYielder(signal);
  await accumulateCost(workspace, p, workspace.problem.occurrences[p]!, (q) => orders[q]!, c, { pause });
  const before = kernels.f32(c, n * n).slice();
  const after = new Float32Array(n * n);
  const order = orders[p]!;
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) after[i * n + j] = before[i * n + order[j]!]!;
  return { size: n, before: before.buffer, after: after.buffer };
}
