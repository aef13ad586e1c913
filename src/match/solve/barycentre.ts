/**
 * Cost matrices at the barycentre, where every permutation is 1/n everywhere: a dimension that another permutation
 * moves is summed in A and averaged in B, so no dense n×n permutation is ever built.
 */

import { stepOf } from "../costs/accumulate-cost.ts";
import { enumerateOffsets, inPlace } from "../costs/offsets.ts";
import type { Occurrence } from "../costs/problem.ts";
import type { Workspace } from "../costs/workspace.ts";

/** C += the share of one occurrence of permutation number `permutation`, whose cell one other dimension is permuted in. */
export async function accumulateBarycentre(
  workspace: Workspace,
  permutation: number,
  occurrence: Occurrence,
  c: number,
  pause: () => Promise<void>,
): Promise<void> {
  const { arena, wasm, i32, pool } = workspace.kernels;
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
    const { width, depth } = stepOf(n, k, pool.threads);
    for (let from = 0; from < k; from += depth)
      for (let j = 0; j < n; j += width) {
        const operands = [foldedA + 4 * from, k, 0, foldedB + 4 * (from + j * k), k, 0, 0] as const;
        const [columns, length] = [Math.min(width, n - j), Math.min(depth, k - from)];
        await pool.cost(c + 4 * j, n, 0, n, columns, length, ...operands, workspace.costWork);
        await pause();
      }
  } finally {
    arena.release(mark);
  }
}
