/**
 * The cost matrix of one permutation with the others held: C[i, j] = what the objective gains when slot i takes unit
 * j of B, summed over every place where the permutation acts (paper, Algorithm 1, the linear assignment problem of
 * one step).
 */

import { enumerateOffsets, inPlace, isContiguous, type Lookup } from "./offsets.ts";
import type { Occurrence } from "./problem.ts";
import type { Workspace } from "./workspace.ts";

/** Multiply-adds between two chances for other tasks: some 50 ms of work. */
const STEP = 7e8;
/** Fewer rows a call than this would spend the time on packing B again. */
const FEWEST_ROWS = 128;

/**
 * C += scale · (A unfolded) · (B unfolded, its other dimensions gathered by `lookup`)ᵀ for each of `occurrences`, all of
 * permutation number `permutation`. `c` points to n×n f32. `pause` is called between steps of long work.
 */
export async function accumulateCost(
  workspace: Workspace,
  permutation: number,
  occurrences: readonly Occurrence[],
  lookup: Lookup,
  c: number,
  pause: () => Promise<void>,
  scale = 1,
): Promise<void> {
  const { wasm } = workspace.kernels;
  const n = workspace.problem.permutations[permutation]!.size;
  for (const { tensor, cell, dim } of occurrences) {
    const voting = workspace.problem.tensors[tensor]!;
    const { stride } = cell.dims[dim]!;
    const others = cell.dims.filter((_, at) => at !== dim);
    const offsets = enumerateOffsets(others, cell.base, lookup);
    const k = offsets.length;
    const moved = others.some(({ permutation: p }) => p >= 0 && lookup(p) !== null);
    const contiguous = isContiguous(others);
    const place = (pointer: number, list: Int32Array, needed: boolean): number => {
      if (needed) workspace.kernels.i32(pointer, k).set(list);
      return needed ? pointer : 0;
    };
    const rows = Math.min(n, Math.max(FEWEST_ROWS, Math.floor(STEP / (n * k))));
    for (let row = 0; row < n; row += rows) {
      const a = workspace.staging.stageA(voting, scale) + (contiguous ? 4 * cell.base : 0);
      const b = workspace.staging.stageB(voting) + (contiguous && !moved ? 4 * cell.base : 0);
      const aOffsets = place(
        workspace.offsetsA,
        moved ? enumerateOffsets(others, cell.base, inPlace) : offsets,
        !contiguous,
      );
      const bOffsets = place(workspace.offsetsB, offsets, !contiguous || moved);
      wasm.cost(c, n, row, Math.min(n, row + rows), n, k, a, stride, aOffsets, b, stride, bOffsets, workspace.costWork);
      await pause();
    }
  }
}
