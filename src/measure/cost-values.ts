/** The cost matrix of one permutation, as matching sees it in its last step. */

import type { Spec } from "../axes/types.ts";
import type { Model } from "../base/model.ts";
import { createYielder } from "../base/progress.ts";
import { createKernels } from "../kernels/kernels.ts";
import { accumulateCost } from "../match/costs/accumulate-cost.ts";
import { outlineProblem, readProblem } from "../match/costs/problem.ts";
import { createWorkspace } from "../match/costs/workspace.ts";
import type { Alignment, Permutations } from "../perm/alignment.ts";
import { bindPermutations } from "../perm/bind-permutations.ts";
import { type Pair, pairOf } from "../perm/pair.ts";

/** The cost matrix of one permutation, f32 and row-major, slots of A by units of B: fresh arrays of size². */
export interface CostValues {
  readonly size: number;
  /** Columns in the order of B's file. */
  readonly before: Float32Array<ArrayBuffer>;
  /** Columns in the aligned order: what belongs together is on the diagonal. */
  readonly after: Float32Array<ArrayBuffer>;
}

/**
 * What the last step of a matching saw: C[i, j] is what the objective gains when slot i takes unit j of B, all other
 * permutations as they were found. Reads only the tensors that the permutation acts on.
 *
 * @throws {SpecError} when the models differ, or the spec does not fit them.
 * @throws {RangeError} for a permutation that the spec does not have.
 *
 * @example
 * const { size, after } = await costValues(a, b, spec, permutations, "P0");
 */
export async function costValues(
  a: Model,
  b: Model,
  spec: Spec | Pair,
  alignment: Alignment | Permutations,
  name: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<CostValues> {
  const { signal } = options;
  const { resolved } = pairOf(a, b, spec);
  const p = resolved.permutations.findIndex((permutation) => permutation.name === name);
  if (p < 0) {
    const known = resolved.permutations.map((permutation) => permutation.name).join(", ");
    throw new RangeError(`permutation ${name} is not in the spec, expected one of ${known}`);
  }
  const { size: n, tensors } = resolved.permutations[p]!;
  const orders = bindPermutations(resolved, alignment);
  // Of the others nothing is computed, so they take no matrices.
  const outline = outlineProblem({
    ...resolved,
    tensors: resolved.tensors.filter((tensor) => tensors.includes(tensor.name)),
    permutations: resolved.permutations.map((each, q) => (q === p ? each : { ...each, size: 0 })),
  });
  const workspace = createWorkspace(createKernels(), await readProblem(a, b, outline, { signal }), false, true);
  const c = workspace.kept.pointers[p]!;
  workspace.kernels.f32(c, n * n).fill(0);
  const pause = createYielder(signal);
  await accumulateCost(workspace, p, workspace.problem.occurrences[p]!, (q) => orders[q]!, c, { pause });
  const before = workspace.kernels.f32(c, n * n).slice();
  return { size: n, before, after: columnsInOrder(before, orders[p]!) };
}

/** Column j of the result is column `order[j]`. */
function columnsInOrder(values: Float32Array, order: Int32Array): Float32Array<ArrayBuffer> {
  const n = order.length;
  const ordered = new Float32Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) ordered[i * n + j] = values[i * n + order[j]!]!;
  return ordered;
}
