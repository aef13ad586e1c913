/** The best permutations of one group for given cost matrices: a linear assignment, nested ones inside it. */

import type { Group, Problem } from "../costs/problem.ts";
import type { Workspace } from "../costs/workspace.ts";

/** What an assignment needs of a workspace. */
export interface AssignSpace
  extends Pick<Workspace, "kernels" | "assigned" | "rowDuals" | "columnDuals" | "assignWork"> {
  readonly problem: Pick<Problem, "permutations">;
}

/** Where column duals are kept: those of an earlier matrix, if `resume`, to start from; in the end those of this one. */
interface Duals {
  readonly pointer: number;
  readonly resume: boolean;
}

/**
 * An assignment of n rows to n columns of the f32 matrix at `c` with row stride `ld`, maximising. A fresh array. Throws
 * `RangeError` naming permutation number `p` for costs that are not finite.
 */
function assignMatrix(
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

/**
 * The permutations of `group` that maximise Σ ⟨C_P, P⟩ exactly. `costs[p]` points to the n×n f32 matrix of permutation
 * number p. A permutation nested in the root moves whole blocks with it. So the value of giving block h the source
 * block g is the best assignment inside that pair, and the root is solved on those values.
 *
 * Returns fresh arrays by permutation number. The matrices are not changed.
 */
export function assignGroup(
  workspace: AssignSpace,
  group: Group,
  costs: readonly number[],
  duals?: Duals,
): Map<number, Int32Array> {
  const { permutations } = workspace.problem;
  const n = permutations[group.root]!.size;
  const inside = group.nested.map((p) => assignBlocks(workspace, p, costs[p]!, n, permutations[p]!.inner));
  const root = costs[group.root]!;
  const order =
    inside.length === 0
      ? assignMatrix(workspace, group.root, root, n, n, duals).order
      : assignSum(workspace, group.root, root, n, inside, duals);
  const orders = new Map([[group.root, order]]);
  group.nested.forEach((p, at) => {
    const { inner } = permutations[p]!;
    const nested = new Int32Array(n * inner);
    for (let h = 0; h < n; h++) {
      const pair = h * n + order[h]!;
      for (let r = 0; r < inner; r++) nested[h * inner + r] = order[h]! * inner + inside[at]!.orders[pair * inner + r]!;
    }
    orders.set(p, nested);
  });
  return orders;
}

/**
 * `assignGroup` in a run of assignments whose matrices change from one to the next: each starts from the column duals
 * of the one before where they are still good.
 */
export function assignGroupAgain(
  workspace: Workspace,
  group: Group,
  costs: readonly number[],
): Map<number, Int32Array> {
  const { keptDuals, solved } = workspace;
  const duals = { pointer: keptDuals[group.root]!, resume: solved.has(group.root) };
  solved.add(group.root);
  return assignGroup(workspace, group, costs, duals);
}

/** The assignment of the matrix at `c` plus the values of each of `added`, summed in a copy. */
function assignSum(
  workspace: AssignSpace,
  p: number,
  c: number,
  n: number,
  added: readonly { readonly values: Float64Array }[],
  duals?: Duals,
): Int32Array {
  const { arena, f32 } = workspace.kernels;
  const mark = arena.mark();
  try {
    const sum = arena.allocate(4 * n * n);
    const cells = f32(sum, n * n);
    cells.set(f32(c, n * n));
    for (const { values } of added) for (let at = 0; at < n * n; at++) cells[at]! += values[at]!;
    return assignMatrix(workspace, p, sum, n, n, duals).order;
  } finally {
    arena.release(mark);
  }
}

/** The assignment inside every pair of blocks: its value (n×n) and its order (n×n×inner). */
function assignBlocks(
  workspace: AssignSpace,
  p: number,
  c: number,
  n: number,
  inner: number,
): { values: Float64Array; orders: Int32Array } {
  const values = new Float64Array(n * n);
  const orders = new Int32Array(n * n * inner);
  const ld = n * inner;
  for (let h = 0; h < n; h++) {
    for (let g = 0; g < n; g++) {
      const { order, value } = assignMatrix(workspace, p, c + 4 * (h * inner * ld + g * inner), inner, ld);
      values[h * n + g] = value;
      orders.set(order, (h * n + g) * inner);
    }
  }
  return { values, orders };
}
