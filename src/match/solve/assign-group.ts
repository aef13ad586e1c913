/** The best permutations of one group for given cost matrices: a linear assignment, those nested in it inside. */

import type { Assign, Inside, TiedFibre, TiedPart } from "../costs/nested-code.ts";
import type { Group } from "../costs/problem.ts";
import type { Workspace } from "../costs/workspace.ts";
import { type AssignSpace, assignMatrix, type Duals } from "./assign-matrix.ts";

/** What was found inside pairs of blocks before, by permutation: their costs are not looked at. */
type Solved = ReadonlyMap<number, Inside>;

/**
 * The permutations of `group` that maximise Σ ⟨C_P, P⟩. `costs[p]` points to the n×n f32 matrix of permutation number
 * p. A permutation nested in another moves whole blocks with it. So the value of giving block h the source block g is
 * the best assignment inside that pair. The outer one is solved on those values: exact, to any depth. Permutations
 * tied by a fibre are bilinear in each other: `assignTied` solves them.
 *
 * Returns fresh arrays by permutation number. The matrices are not changed.
 */
export function assignGroup(
  workspace: AssignSpace,
  group: Group,
  costs: readonly number[],
  { duals, solved }: { readonly duals?: Duals; readonly solved?: Solved | undefined } = {},
): Map<number, Int32Array> {
  const { arena } = workspace.kernels;
  const { permutations, fibres, nested } = workspace.problem;
  const mark = arena.mark();
  try {
    const insides = new Map<number, readonly Inside[]>();
    const { size } = permutations[group.root]!;
    const matrix = sumInside(workspace, group.root, group.nested, costs, insides, solved);
    const order = isChosen(workspace, group.root)
      ? assignMatrix(workspace, group.root, matrix, size, size, duals).order
      : (workspace.held?.[group.root] ?? Int32Array.from({ length: size }, (_, i) => i)).slice();
    const orders: Record<number, Int32Array> = { [group.root]: order };
    orderInside(workspace, group.root, insides, orders);
    for (const p of group.nested) {
      const parts = fibres?.get(p);
      if (parts !== undefined) orders[p] = nested!.fibreOrder(permutations, p, parts, orders);
    }
    return new Map([group.root, ...group.nested].map((p) => [p, orders[p]!]));
  } finally {
    arena.release(mark);
  }
}

/**
 * `assignGroup` in a run of assignments whose matrices change from one to the next: each starts from the column duals
 * of the one before where they are still good.
 */
export function assignGroupAgain(
  workspace: Workspace,
  group: Group,
  costs: readonly number[],
  solved?: Solved,
): Map<number, Int32Array> {
  const { keptDuals, solved: before } = workspace;
  const duals = { pointer: keptDuals[group.root]!, resume: before.has(group.root) };
  before.add(group.root);
  return assignGroup(workspace, group, costs, { duals, solved });
}

const isChosen = ({ problem: { chosen } }: AssignSpace, p: number): boolean => chosen?.[p] ?? true;

/**
 * Address of the costs of `p` with the values of what is nested in it: its own matrix where nothing is, else a copy in
 * the arena. Puts what was found inside into `insides`, by outer permutation.
 */
function sumInside(
  workspace: AssignSpace,
  p: number,
  nested: readonly number[],
  costs: readonly number[],
  insides: Map<number, readonly Inside[]>,
  solved?: Solved,
): number {
  const { permutations, fibres } = workspace.problem;
  const children = nested.filter((each) => permutations[each]!.outer === p);
  if (children.length === 0) return costs[p]!;
  const plain = children.filter((child) => !fibres?.has(child));
  const matrices = plain.map((child) => sumInside(workspace, child, nested, costs, insides, solved));
  const found = assignChildren(workspace, p, plain, matrices, children, costs, solved);
  insides.set(p, found);
  const { arena, f32 } = workspace.kernels;
  const n = permutations[p]!.size;
  const sum = arena.allocate(4 * n * n);
  const cells = f32(sum, n * n);
  cells.set(f32(costs[p]!, n * n));
  for (const { values } of found) for (let at = 0; at < n * n; at++) cells[at]! += values[at]!;
  return sum;
}

/** What is nested directly in `p`: each by itself, those that fibres tie together. */
function assignChildren(
  workspace: AssignSpace,
  p: number,
  plain: readonly number[],
  matrices: readonly number[],
  children: readonly number[],
  costs: readonly number[],
  solved?: Solved,
): Inside[] {
  const { permutations, fibres, nested } = workspace.problem;
  const { size } = permutations[p]!;
  const tying: TiedFibre[] = children.flatMap((child) => {
    const parts = fibres?.get(child);
    return parts === undefined ? [] : [{ costs: costs[child]!, size: permutations[child]!.size, parts }];
  });
  const tied = new Set(tying.flatMap(({ parts }) => parts));
  const parts = plain.map((child, at): TiedPart => {
    const { size: units, inner } = permutations[child]!;
    return { p: child, costs: matrices[at]!, size: units, inner, held: heldInside(workspace, child) };
  });
  const alone = parts
    .filter((part) => !tied.has(part.p))
    .map((part) => solved?.get(part.p) ?? assignBlocks(workspace, part, size));
  if (tied.size === 0) return alone;
  const assign: Assign = (part, block, n) => assignMatrix(workspace, part, block, n, n).order;
  const together = parts.filter((part) => tied.has(part.p));
  return [...alone, ...nested!.assignTied(workspace.kernels, assign, together, tying, size)];
}

/** For a permutation that may not move: the place of every unit inside its block. */
export function heldInside(workspace: AssignSpace, p: number): Int32Array | null {
  if (isChosen(workspace, p)) return null;
  const { size, inner } = workspace.problem.permutations[p]!;
  return Int32Array.from({ length: size }, (_, i) => (workspace.held?.[p]?.[i] ?? i) % inner);
}

/** The assignment inside every pair of blocks. */
function assignBlocks(workspace: AssignSpace, part: TiedPart, n: number): Inside {
  const { p, costs, size, inner } = part;
  const values = new Float64Array(n * n);
  const orders = new Int32Array(n * n * inner);
  for (let h = 0; h < n; h++) {
    for (let g = 0; g < n; g++) {
      const { order, value } = assignBlock(workspace, part, h, costs + 4 * (h * inner * size + g * inner), size);
      values[h * n + g] = value;
      orders.set(order, (h * n + g) * inner);
    }
  }
  return { p, values, orders };
}

/** The assignment inside a pair of blocks, slots of which are those of block `h`: its costs are at `c`. */
export function assignBlock(
  workspace: AssignSpace,
  { p, inner, held }: Pick<TiedPart, "p" | "inner" | "held">,
  h: number,
  c: number,
  ld: number,
): { order: Int32Array; value: number } {
  if (held === null) return assignMatrix(workspace, p, c, inner, ld);
  return chosenOrder(workspace, c, held.subarray(h * inner, (h + 1) * inner), ld);
}

/** An order that is given, and what it is worth. */
function chosenOrder(
  { kernels: { f32 } }: AssignSpace,
  c: number,
  order: Int32Array,
  ld: number,
): { order: Int32Array; value: number } {
  const cells = f32(c, (order.length - 1) * ld + order.length);
  return { order, value: order.reduce((sum, j, i) => sum + cells[i * ld + j]!, 0) };
}

/** The orders of everything nested in `p`, from that of `p`. */
function orderInside(
  workspace: AssignSpace,
  p: number,
  insides: ReadonlyMap<number, readonly Inside[]>,
  orders: Record<number, Int32Array>,
): void {
  const order = orders[p]!;
  const n = order.length;
  for (const inside of insides.get(p) ?? []) {
    const { inner } = workspace.problem.permutations[inside.p]!;
    const nested = new Int32Array(n * inner);
    for (let h = 0; h < n; h++) {
      const pair = h * n + order[h]!;
      for (let r = 0; r < inner; r++) nested[h * inner + r] = order[h]! * inner + inside.orders[pair * inner + r]!;
    }
    orders[inside.p] = nested;
    orderInside(workspace, inside.p, insides, orders);
  }
}
