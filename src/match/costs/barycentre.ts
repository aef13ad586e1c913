/**
 * Cost matrices at the barycentre, where every permutation is 1/n everywhere. A dimension that another permutation
 * moves is summed in A and averaged in B, so no dense n×n permutation is ever built.
 */

import type { MatrixPlaces } from "./matrices.ts";
import { enumerateOffsets, inPlace } from "./offsets.ts";
import type { Occurrence } from "./problem.ts";
import type { Workspace } from "./workspace.ts";

/**
 * C += the share of one occurrence of permutation number `permutation`, whose cell one other dimension is permuted
 * in.
 */
export async function accumulateBarycentre(
  workspace: Workspace,
  permutation: number,
  occurrence: Occurrence,
  matrices: MatrixPlaces,
  pause: () => Promise<void>,
): Promise<void> {
  const { arena, wasm, i32 } = workspace.kernels;
  const { tensor, cell, dim } = occurrence;
  const n = workspace.problem.permutations[permutation]!.size;
  const { stride } = cell.dims[dim]!;
  const free = cell.dims.filter(({ permutation: p }) => p < 0);
  const other = cell.dims.find(({ permutation: p }, at) => at !== dim && p >= 0)!;
  const offsets = enumerateOffsets(free, cell.base, inPlace);
  const k = offsets.length;
  const mark = arena.mark();
  try {
    const foldedA = arena.allocate(4 * n * k);
    const foldedB = arena.allocate(4 * n * k);
    const staged = await workspace.staging.stage(tensor);
    i32(workspace.offsetsA, k).set(offsets);
    wasm.foldColumns(foldedA, staged.a, n, stride, k, workspace.offsetsA, other.size, other.stride, 1);
    wasm.foldColumns(foldedB, staged.b, n, stride, k, workspace.offsetsA, other.size, other.stride, 1 / other.size);
    const rows = { stride: k, columns: null, base: 0 };
    const operands = { a: { ...rows, values: foldedA }, b: { ...rows, values: foldedB } };
    await workspace.engine.accumulate(matrices.pointers[permutation]!, n, k, operands, pause);
  } finally {
    arena.release(mark);
  }
}
