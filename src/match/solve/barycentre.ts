/**
 * Cost matrices at the barycentre, where every permutation is 1/n everywhere: a dimension that another permutation
 * moves is summed in A and averaged in B, so no dense n×n permutation is ever built.
 */

import { enumerateOffsets, inPlace } from "../costs/offsets.ts";
import type { Occurrence } from "../costs/problem.ts";
import type { Workspace } from "../costs/workspace.ts";

/** C += the share of one occurrence of permutation number `permutation`, whose cell one other dimension is permuted in. */
export function accumulateBarycentre(
  workspace: Workspace,
  permutation: number,
  occurrence: Occurrence,
  c: number,
): void {
  const { arena, wasm, i32 } = workspace.kernels;
  const { tensor, cell, dim } = occurrence;
  const n = workspace.problem.permutations[permutation]!.size;
  const { stride } = cell.dims[dim]!;
  const free = cell.dims.filter(({ permutation: p }) => p < 0);
  const other = cell.dims.find(({ permutation: p }, at) => at !== dim && p >= 0)!;
  const offsets = enumerateOffsets(free, cell.base, inPlace);
  const k = offsets.length;
  const voting = workspace.problem.tensors[tensor]!;
  const mark = arena.mark();
  try {
    const foldedA = arena.allocate(4 * n * k);
    const foldedB = arena.allocate(4 * n * k);
    const a = workspace.staging.stageA(voting);
    const b = workspace.staging.stageB(voting);
    i32(workspace.offsetsA, k).set(offsets);
    wasm.foldColumns(foldedA, a, n, stride, k, workspace.offsetsA, other.size, other.stride, 1);
    wasm.foldColumns(foldedB, b, n, stride, k, workspace.offsetsA, other.size, other.stride, 1 / other.size);
    wasm.cost(c, n, 0, n, n, k, foldedA, k, 0, foldedB, k, 0, 0, workspace.costWork);
  } finally {
    arena.release(mark);
  }
}
