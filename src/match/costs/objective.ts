/** The objective Σ ⟨A, π(B)⟩ over voting tensors, in f64, straight from the tensors and never from cost matrices. */

import type { SlotsOfDim } from "./block-code.ts";
import { enumerateOffsets, hasRun, inPlace, type Lookup } from "./offsets.ts";
import type { VotingCell } from "./problem.ts";
import type { Staged } from "./staging.ts";
import type { Workspace } from "./workspace.ts";

/**
 * ⟨A, B gathered by `lookup`⟩ over one cell of tensor number `tensor`; products and sums in f64, in a fixed order.
 * Where a dimension may be gathered differently from another of the same permutation, `lookupDim` decides by position.
 * With `part`, only over those slots.
 */
export async function cellDot(
  workspace: Workspace,
  tensor: number,
  cell: VotingCell,
  lookup: Lookup,
  lookupDim: (dim: number) => Int32Array | null = (dim) => dimOrder(cell, dim, lookup),
  part?: SlotsOfDim,
): Promise<number> {
  const { problem, staging } = workspace;
  if (problem.tensors[tensor]!.blocks !== undefined)
    return workspace.blocks!.dotBlocks(workspace, tensor, cell, lookup, part);
  const orders = cell.dims.map((_, dim) => lookupDim(dim));
  return dotStaged(workspace, await staging.stage(tensor), cell, orders, part);
}

/** The same of tensors that are staged, with the order of each dimension. */
export function dotStaged(
  workspace: Pick<Workspace, "kernels" | "offsetsA" | "offsetsB" | "columnsA" | "columnsB">,
  { a, b }: Staged,
  cell: Pick<VotingCell, "base" | "dims">,
  orders: readonly (Int32Array | null)[],
  part: SlotsOfDim | undefined,
): number {
  const { kernels } = workspace;
  const { rowsA, rowsB, columnsA, columnsB, run } = offsetsOf(cell, orders, part);
  const place = (pointer: number, list: Int32Array): number => {
    kernels.i32(pointer, list.length).set(list);
    return pointer;
  };
  return kernels.wasm.dotIndexed(
    a,
    b,
    rowsA.length,
    place(workspace.offsetsA, rowsA),
    place(workspace.offsetsB, rowsB),
    columnsA.length,
    place(workspace.columnsA, columnsA),
    place(workspace.columnsB, columnsB),
    run,
  );
}

/** Where the cell's elements are in A, and in B by the orders of its dimensions: rows, columns, and runs of both. */
function offsetsOf(
  cell: Pick<VotingCell, "base" | "dims">,
  orders: readonly (Int32Array | null)[],
  part: SlotsOfDim | undefined,
) {
  const dims = [...cell.dims];
  // The innermost free dimension of stride 1 is a run; the last dimension before it makes the columns.
  const run = hasRun(dims) ? dims.pop()!.size : 1;
  const columnDim = dims.pop();
  const columns = columnDim === undefined ? [] : [columnDim];
  const numbered = (list: typeof dims, from: number) => list.map((dim, at) => ({ ...dim, permutation: from + at }));
  const rowDims = numbered(dims, 0);
  const columnDims = numbered(columns, dims.length);
  const byPosition: Lookup = (position) => orders[position] ?? null;
  const only = part && { permutation: part.dim, slots: part.slots };
  return {
    rowsA: enumerateOffsets(rowDims, cell.base, inPlace, only),
    rowsB: enumerateOffsets(rowDims, cell.base, byPosition, only),
    columnsA: enumerateOffsets(columnDims, 0, inPlace, only),
    columnsB: enumerateOffsets(columnDims, 0, byPosition, only),
    run,
  };
}

function dimOrder(cell: VotingCell, dim: number, lookup: Lookup): Int32Array | null {
  const { permutation } = cell.dims[dim]!;
  return permutation < 0 ? null : lookup(permutation);
}

/**
 * What tensor number `tensor` gains when the permutations of `found` replace those of `lookup`. A cell in which one
 * dimension moves is summed over the slots that moved alone.
 */
export async function tensorGain(
  workspace: Workspace,
  tensor: number,
  lookup: (permutation: number) => Int32Array,
  found: ReadonlyMap<number, Int32Array>,
): Promise<number> {
  const candidate: Lookup = (p) => found.get(p) ?? lookup(p);
  let gain = 0;
  for (const cell of workspace.problem.tensors[tensor]!.cells) {
    const moving = [...cell.dims.keys()].filter((dim) => found.has(cell.dims[dim]!.permutation));
    if (moving.length === 0) continue;
    const part = moving.length > 1 ? undefined : movedPart(cell, moving[0]!, lookup, candidate);
    if (part?.slots.length === 0) continue;
    gain += await cellDot(workspace, tensor, cell, candidate, undefined, part);
    gain -= await cellDot(workspace, tensor, cell, lookup, undefined, part);
  }
  return gain;
}

function movedPart(cell: VotingCell, dim: number, from: Lookup, to: Lookup): SlotsOfDim {
  const { permutation, size } = cell.dims[dim]!;
  const [before, after] = [from(permutation)!, to(permutation)!];
  const slots: number[] = [];
  for (let i = 0; i < size; i++) if (before[i] !== after[i]) slots.push(i);
  return { dim, slots: Int32Array.from(slots) };
}

/** ‖A‖·‖B‖ of a tensor: by Cauchy and Schwarz no less than Σ|terms| of ⟨A, π(B)⟩, for any permutations. */
export async function normProduct({ kernels: { wasm }, problem, staging }: Workspace, tensor: number): Promise<number> {
  const { elements } = problem.tensors[tensor]!;
  const { a, b } = await staging.stage(tensor);
  return Math.sqrt(wasm.dot32(a, a, elements) * wasm.dot32(b, b, elements));
}

/** The objective without a linear term: the sum of every tensor's share, in file order. */
export async function tensorsObjective(
  workspace: Workspace,
  lookup: Lookup,
  pause: () => Promise<void>,
): Promise<number> {
  let total = 0;
  for (const [t, { cells }] of workspace.problem.tensors.entries()) {
    let share = 0;
    for (const cell of cells) share += await cellDot(workspace, t, cell, lookup);
    total += share;
    await pause();
  }
  return total;
}
