/** One linear assignment of a square cost matrix. */

import type { Problem } from "../costs/problem.ts";
import type { Workspace } from "../costs/workspace.ts";

/** What an assignment needs of a workspace. */
export interface AssignSpace
  extends Pick<Workspace, "kernels" | "assigned" | "rowDuals" | "columnDuals" | "assignWork"> {
  readonly problem: Pick<Problem, "permutations"> & Partial<Pick<Problem, "fibres" | "chosen" | "nested">>;
  /** Where permutations are that may not move: by number, default in place. */
  readonly held?: readonly Int32Array[] | undefined;
}

/** Where column duals are kept: those of an earlier matrix, if `resume`, to start from; in the end those of this one. */
export interface Duals {
  readonly pointer: number;
  readonly resume: boolean;
}

/**
 * An assignment of n rows to n columns of the f32 matrix at `c` with row stride `ld`, maximising. A fresh array. Throws
 * `RangeError` naming permutation number `p` for costs that are not finite.
 */
export function assignMatrix(
  workspace: AssignSpace,
  p: number,
  c: number,
  n: number,
  ld: number,
  duals: Duals = { pointer: workspace.columnDuals, resume: false },
): { order: Int32Array; value: number } {
  const { wasm, i32 } = workspace.kernels;
  const { assigned, rowDuals, assignWork } = workspace;
  const value = wasm.assign(c, ld, n, n, 0, 1, assigned, rowDuals, duals.pointer, assignWork, duals.resume ? 1 : 0);
  if (Number.isNaN(value))
    throw new RangeError(
      `costs of permutation ${workspace.problem.permutations[p]!.name} do not fit 32-bit floats, expected lesser weights`,
    );
  return { order: i32(assigned, n).slice(), value };
}
