/**
 * The cost matrix of one permutation with the others held: C[i, j] = what the objective gains when slot i takes unit
 * j of B, summed over every place where the permutation acts (paper, Algorithm 1, the linear assignment problem of
 * one step).
 */

import { dimsCount, enumerateOffsets, inPlace, isContiguous, type Lookup, type Slots } from "./offsets.ts";
import { type Occurrence, otherDims } from "./problem.ts";
import type { Workspace } from "./workspace.ts";

/** Multiply-adds of a thread between two chances for other tasks: some 50 ms of work. */
const STEP = 7e8;
/** Fewer columns of C a call than this would spend the time on packing A again. */
const FEWEST_COLUMNS = 128;
/** The kernel's own block of k: cut at multiples of it, the sums have the bits of one call. */
const K_BLOCK = 256;

export interface CostOptions {
  /** Called between steps of long work. */
  readonly pause: () => Promise<void>;
  /** Factor of everything added. Default 1. */
  readonly scale?: number | undefined;
  /** Only the change since these slots of one permutation were ordered otherwise. */
  readonly since?: Since | undefined;
}

/** Slots of one permutation that have moved, and the whole order from before. */
export interface Since extends Slots {
  readonly before: Int32Array;
}

/**
 * C += scale · (A unfolded) · (B unfolded, its other dimensions gathered by `lookup`)ᵀ for each of `occurrences`, all of
 * permutation number `permutation`. With `since`, what that has gained: A[:, m] · (B_now − B_before)[:, m]ᵀ over the
 * columns m of the slots. `c` points to n×n f32.
 */
export async function accumulateCost(
  workspace: Workspace,
  permutation: number,
  occurrences: readonly Occurrence[],
  lookup: Lookup,
  c: number,
  { pause, scale = 1, since }: CostOptions,
): Promise<void> {
  const { pool } = workspace.kernels;
  const n = workspace.problem.permutations[permutation]!.size;
  for (const occurrence of occurrences) {
    const { tensor, cell, dim } = occurrence;
    const voting = workspace.problem.tensors[tensor]!;
    const { stride } = cell.dims[dim]!;
    const columns = since === undefined ? columnsOf(occurrence, lookup) : changedColumns(occurrence, lookup, since);
    const a = workspace.staging.stageA(voting, scale) + (columns.a === null ? 4 * cell.base : 0);
    const b = workspace.staging.stageB(voting) + (columns.b === null ? 4 * cell.base : 0);
    const aOffsets = place(workspace, workspace.offsetsA, columns.a);
    const bOffsets = place(workspace, workspace.offsetsB, columns.b);
    const bLess = place(workspace, workspace.columnsB, columns.less);
    const { width, depth } = stepOf(n, columns.k, pool.threads);
    for (let from = 0; from < columns.k; from += depth) {
      const k = Math.min(depth, columns.k - from);
      const [a1, aOffsets1] = skip(a, aOffsets, from);
      const [b1, bOffsets1] = skip(b, bOffsets, from);
      const bLess1 = bLess === 0 ? 0 : bLess + 4 * from;
      for (let j = 0; j < n; j += width) {
        const operands = [a1, stride, aOffsets1, b1 + 4 * j * stride, stride, bOffsets1, bLess1] as const;
        await pool.cost(c + 4 * j, n, 0, n, Math.min(width, n - j), k, ...operands, workspace.costWork);
        await pause();
      }
    }
  }
}

/** Columns of C and of the operands in one step. All of C's first: each range of them has A packed again. */
export function stepOf(n: number, k: number, threads: number): { width: number; depth: number } {
  const work = threads * STEP;
  const depth = Math.min(k, Math.max(1, Math.floor(work / (n * n * K_BLOCK))) * K_BLOCK);
  const width = Math.min(n, Math.max(threads * FEWEST_COLUMNS, Math.floor(work / (n * depth))));
  return { width, depth };
}

/** A matrix and its offset list without their first `from` columns. */
function skip(matrix: number, offsets: number, from: number): [matrix: number, offsets: number] {
  return offsets === 0 ? [matrix + 4 * from, 0] : [matrix, offsets + 4 * from];
}

/** Offsets of the columns in A and in B; null where they follow each other from the cell's base. */
interface Columns {
  readonly k: number;
  readonly a: Int32Array | null;
  readonly b: Int32Array | null;
  /** Columns of B to subtract. */
  readonly less: Int32Array | null;
}

function columnsOf(occurrence: Occurrence, lookup: Lookup): Columns {
  const { cell } = occurrence;
  const others = otherDims(occurrence);
  const moved = others.some(({ permutation }) => permutation >= 0 && lookup(permutation) !== null);
  const follow = isContiguous(others);
  if (follow && !moved) return { k: dimsCount(others), a: null, b: null, less: null };
  const b = enumerateOffsets(others, cell.base, lookup);
  const a = follow ? null : moved ? enumerateOffsets(others, cell.base, inPlace) : b;
  return { k: b.length, a, b, less: null };
}

function changedColumns(occurrence: Occurrence, lookup: Lookup, since: Since): Columns {
  const { base } = occurrence.cell;
  const others = otherDims(occurrence);
  const before: Lookup = (p) => (p === since.permutation ? since.before : lookup(p));
  const a = enumerateOffsets(others, base, inPlace, since);
  const b = enumerateOffsets(others, base, lookup, since);
  return { k: b.length, a, b, less: enumerateOffsets(others, base, before, since) };
}

function place(workspace: Workspace, pointer: number, list: Int32Array | null): number {
  if (list === null) return 0;
  workspace.kernels.i32(pointer, list.length).set(list);
  return pointer;
}
