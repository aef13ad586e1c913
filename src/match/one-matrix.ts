/** The cost matrix of one permutation alone, as a step of descent computes it. */

import type { ResolvedSpec } from "../axes/types.ts";
import type { Model } from "../base/model.ts";
import { createYielder } from "../base/progress.ts";
import { createKernels } from "../kernels/kernels.ts";
import { readSome } from "./bounded/read-again.ts";
import { accumulateCost } from "./costs/accumulate-cost.ts";
import type { NestedCode } from "./costs/nested-code.ts";
import { outlineProblem } from "./costs/problem.ts";
import { createWorkspace } from "./costs/workspace.ts";

/**
 * The n×n matrix of permutation number `p` with the others at `orders`: a fresh array. Reads the tensors that it acts
 * on, one after the other, and no others. NaN and infinities count as 0. `nested` is what `loadNested` gives.
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
  const values = await readSome({ a, b }, outline, [], { signal });
  const kernels = createKernels();
  const workspace = createWorkspace(kernels, { ...outline, values }, { jointly: false, only: p }, true);
  const { kept } = workspace;
  kept.set(p, null);
  const options = { pause: createYielder(signal) };
  await accumulateCost(workspace, p, outline.occurrences[p]!, (q) => all[q]!, kept, options);
  return kernels.f32(kept.pointers[p]!, n * n).slice();
}
