/**
 * The cost matrix of one permutation with the others held. C[i, j] is the objective's gain when slot i gets unit j of
 * B, summed over every place where the permutation acts. It is the linear assignment problem of one step of the paper's
 * Algorithm 1.
 */

import type { MatrixPlaces } from "./matrices.ts";
import { dimsCount, enumerateOffsets, inPlace, isContiguous, type Lookup, type Slots } from "./offsets.ts";
import { type Occurrence, otherDims } from "./problem.ts";
import type { Workspace } from "./workspace.ts";

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
 * C += scale · (A unfolded) · (B unfolded, its other dimensions gathered by `lookup`)ᵀ for each of `occurrences`, all
 * of permutation number `permutation`. With `since`, what that has gained: A[:, m] · (B_now − B_before)[:, m]ᵀ over the
 * columns m of the slots. C is the permutation's matrix in `matrices`.
 */
export async function accumulateCost(
  workspace: Workspace,
  permutation: number,
  occurrences: readonly Occurrence[],
  lookup: Lookup,
  matrices: MatrixPlaces,
  options: CostOptions,
): Promise<void> {
  const { problem } = workspace;
  const { since } = options;
  const target = { n: problem.permutations[permutation]!.size, c: matrices.pointers[permutation]! };
  for (const occurrence of occurrences) {
    if (problem.tensors[occurrence.tensor]!.blocks !== undefined) {
      await workspace.blocks!.accumulateBlocks(workspace, permutation, occurrence, lookup, matrices, options);
      continue;
    }
    const columns = since === undefined ? columnsOf(occurrence, lookup) : changedColumns(occurrence, lookup, since);
    await accumulateStaged(workspace, occurrence, columns, target, options);
  }
}

/** The share of one occurrence in the n×n matrix at byte address `c`, by its tensor of A and tensor `other` of B. */
export async function accumulateStaged(
  { engine, staging }: Pick<Workspace, "engine" | "staging">,
  { tensor, cell, dim }: Occurrence,
  columns: CostColumns,
  { c, n }: { readonly c: number; readonly n: number },
  { pause, scale }: CostOptions,
  other?: number,
): Promise<void> {
  const { stride } = cell.dims[dim]!;
  const staged = await staging.stage(tensor, scale, other);
  const a = { values: staged.a, stride, columns: columns.a, base: cell.base };
  const b = { values: staged.b, stride, columns: columns.b, base: cell.base };
  await engine.accumulate(c, n, columns.k, { a, b, less: columns.less }, pause);
}

/** Offsets of the columns in A and in B; null where they follow each other from the cell's base. */
export interface CostColumns {
  readonly k: number;
  readonly a: Int32Array | null;
  readonly b: Int32Array | null;
  /** Columns of B to subtract. */
  readonly less: Int32Array | null;
}

export function columnsOf(occurrence: Occurrence, lookup: Lookup): CostColumns {
  const { cell } = occurrence;
  const others = otherDims(occurrence);
  const moved = others.some(({ permutation }) => permutation >= 0 && lookup(permutation) !== null);
  const follow = isContiguous(others);
  if (follow && !moved) return { k: dimsCount(others), a: null, b: null, less: null };
  const b = enumerateOffsets(others, cell.base, lookup);
  const a = follow ? null : moved ? enumerateOffsets(others, cell.base, inPlace) : b;
  return { k: b.length, a, b, less: null };
}

function changedColumns(occurrence: Occurrence, lookup: Lookup, since: Since): CostColumns {
  const { base } = occurrence.cell;
  const others = otherDims(occurrence);
  const before: Lookup = (p) => (p === since.permutation ? since.before : lookup(p));
  const a = enumerateOffsets(others, base, inPlace, since);
  const b = enumerateOffsets(others, base, lookup, since);
  return { k: b.length, a, b, less: enumerateOffsets(others, base, before, since) };
}
