/** The wasm memory of one matching run: staging, packing panels, offset lists and assignment scratch, sized once. */

import type { Kernels } from "../kernels/kernels.ts";
import { dimsCount } from "./offsets.ts";
import type { Problem } from "./problem.ts";
import { createStaging, type Staging } from "./staging.ts";

export interface Workspace {
  readonly kernels: Kernels;
  readonly problem: Problem;
  readonly staging: Staging;
  /** Two i32 lists, each as long as the most columns any occurrence has or the longest row list of any cell. */
  readonly offsetsA: number;
  readonly offsetsB: number;
  readonly columnsA: number;
  readonly columnsB: number;
  readonly costWork: number;
  readonly assignWork: number;
  /** Outputs of one assignment: i32[n], f64[n], f64[n]. */
  readonly assigned: number;
  readonly rowDuals: number;
  readonly columnDuals: number;
}

/** Allocates everything but the cost matrices, which depend on the method. */
export function createWorkspace(kernels: Kernels, problem: Problem, sanitize: boolean): Workspace {
  const { arena, wasm } = kernels;
  let size = 1;
  let longest = 1;
  let columns = 1;
  problem.permutations.forEach(({ size: n }, p) => {
    size = Math.max(size, n);
    for (const { cell, dim } of problem.occurrences[p]!) {
      columns = Math.max(columns, dimsCount(cell.dims.filter((_, at) => at !== dim)));
    }
  });
  for (const { cells } of problem.tensors) {
    for (const { dims } of cells) {
      // The dot products walk rows × columns × run: rows are all but the last one or two dims.
      longest = Math.max(longest, columns, ...dims.map(({ size: n }) => n), dimsCount(dims.slice(0, -1)));
    }
  }
  return {
    kernels,
    problem,
    staging: createStaging(kernels, problem.tensors, sanitize),
    offsetsA: arena.allocate(4 * longest),
    offsetsB: arena.allocate(4 * longest),
    columnsA: arena.allocate(4 * longest),
    columnsB: arena.allocate(4 * longest),
    costWork: arena.allocate(wasm.costWork(size, columns) >>> 0),
    assignWork: arena.allocate(wasm.assignWork(size, size) >>> 0),
    assigned: arena.allocate(4 * size),
    rowDuals: arena.allocate(8 * size),
    columnDuals: arena.allocate(8 * size),
  };
}
