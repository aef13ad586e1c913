/** The cost matrix of one permutation alone, as a step of descent computes it. */

import type { ResolvedSpec } from "../../axes/types.ts";
import type { Model } from "../../base/model.ts";
import { createYielder } from "../../base/progress.ts";
import { createKernels } from "../../kernels/kernels.ts";
import { accumulateCost } from "./accumulate-cost.ts";
import type { NestedCode } from "./nested-code.ts";
import { outlineProblem, readProblem } from "./problem.ts";
import { createWorkspace } from "./workspace.ts";

/**
 * The n×n matrix of permutation number `p` with the others at `orders`: a fresh array. Reads the tensors that it acts
 * on, and no others. NaN and infinities count as 0. `nested` is what `loadNested` gives.
 */
export async function oneMatrix(
  a: Model,
  b: Model,
  resolved: ResolvedSpec,
  p: number,
  orders: readonly Int32Array[],
  nested: NestedCode | null,
  signal: AbortSignal | undefined,
): Promise<Float32Array<ArrayBuffer>> {
  const { size: n, tensors } = resolved.permutations[p]!;
  const acted = resolved.tensors.filter(({ name }) => tensors.includes(name));
  const outline = outlineProblem({ ...resolved, tensors: acted }, {}, nested);
  const all = nested?.withFibres(outline, orders) ?? orders;
  const problem = await readProblem(a, b, outline, { signal });
  const kernels = createKernels();
  const workspace = createWorkspace(kernels, problem, { jointly: false, only: p }, true);
  const { kept } = workspace;
  kept.set(p, null);
  const options = { pause: createYielder(signal) };
  await accumulateCost(workspace, p, problem.occurrences[p]!, (q) => all[q]!, kept, options);
  return kernels.f32(kept.pointers[p]!, n * n).slice();
}
