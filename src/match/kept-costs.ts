/**
 * Cost matrices that remember. When a neighbour moved in m of its n slots, C changes only through those columns:
 * ΔC = A[:, m] · (B_new − B_old)[:, m]ᵀ, which late sweeps make much cheaper than computing C again.
 */

import type { CostMatrices } from "./areas.ts";
import { accumulateCost } from "./cost.ts";
import { dimsCount, type Lookup } from "./offsets.ts";
import type { Occurrence } from "./problem.ts";
import type { Workspace } from "./workspace.ts";

/** An update adds the new columns and subtracts the old: beyond this share of all columns a fresh matrix is cheaper. */
const LARGEST_SHARE = 0.8;
/** Updates before a fresh matrix, so that roundings of f32 do not pile up. */
const MOST_UPDATES = 16;

export interface KeptCosts {
  /** Pointers by permutation number. */
  readonly pointers: readonly number[];
  /**
   * Brings the matrix of permutation `p` to where it belongs for the current `orders` and returns whether it is fresh:
   * computed from the tensors alone, not by updates. `insist` makes it fresh.
   */
  bring(p: number, orders: readonly Int32Array[], insist: boolean): Promise<boolean>;
}

/**
 * Matrices over the occurrences that `counts` accepts, none of them computed yet. Arrays of orders must be replaced and
 * never changed: references tell what moved. With `shared` matrices every `bring` computes afresh.
 */
export function createKeptCosts(
  workspace: Workspace,
  { pointers, shared }: CostMatrices,
  pause: () => Promise<void>,
  counts: (occurrence: Occurrence) => boolean = () => true,
): KeptCosts {
  const { kernels, problem } = workspace;
  const occurrences = problem.occurrences.map((all) => all.filter(counts));
  /** The orders that each matrix stands for. */
  const standing: (Int32Array[] | null)[] = pointers.map(() => null);
  const updates = pointers.map(() => 0);

  const compute = async (p: number, orders: readonly Int32Array[]): Promise<void> => {
    const n = problem.permutations[p]!.size;
    kernels.f32(pointers[p]!, n * n).fill(0);
    await accumulateCost(workspace, p, occurrences[p]!, (q) => orders[q]!, pointers[p]!, { pause });
    standing[p] = [...orders];
    updates[p] = 0;
  };
  const update = async (p: number, at: Int32Array[], moves: readonly Move[]): Promise<void> => {
    for (const { permutation, order, slots, affected } of moves) {
      const only = { permutation, slots };
      const lookup: Lookup = (q) => at[q]!;
      await accumulateCost(workspace, p, affected, lookup, pointers[p]!, { pause, scale: -1, only });
      at[permutation] = order;
      await accumulateCost(workspace, p, affected, lookup, pointers[p]!, { pause, only });
    }
    updates[p]!++;
  };
  return {
    pointers,
    async bring(p, orders, insist) {
      const at = standing[p];
      if (shared || at == null) {
        await compute(p, orders);
        return true;
      }
      const moves = movesBetween(occurrences[p]!, at, orders);
      const stale = updates[p]! > 0 || moves.length > 0;
      const dear = updates[p]! >= MOST_UPDATES || updateShare(occurrences[p]!, moves) > LARGEST_SHARE;
      if (moves.length > 0 && dear) await compute(p, orders);
      else if (insist && stale) await compute(p, orders);
      else if (moves.length > 0) await update(p, at, moves);
      return updates[p] === 0;
    },
  };
}

/** A neighbour that is no longer where a matrix has it. */
interface Move {
  readonly permutation: number;
  readonly order: Int32Array;
  readonly slots: Int32Array;
  /** Of its slots, how many moved. */
  readonly share: number;
  readonly affected: readonly Occurrence[];
}

function movesBetween(
  occurrences: readonly Occurrence[],
  from: readonly Int32Array[],
  to: readonly Int32Array[],
): Move[] {
  const affected = new Map<number, Occurrence[]>();
  for (const occurrence of occurrences) {
    for (const permutation of new Set(otherDims(occurrence).map((dim) => dim.permutation))) {
      if (permutation < 0 || from[permutation] === to[permutation]) continue;
      const list = affected.get(permutation);
      if (list === undefined) affected.set(permutation, [occurrence]);
      else list.push(occurrence);
    }
  }
  const moves: Move[] = [];
  for (const [permutation, list] of affected) {
    const [before, order] = [from[permutation]!, to[permutation]!];
    const slots: number[] = [];
    for (let i = 0; i < order.length; i++) if (before[i] !== order[i]) slots.push(i);
    if (slots.length === 0) continue;
    moves.push({
      permutation,
      order,
      slots: Int32Array.from(slots),
      share: slots.length / order.length,
      affected: list,
    });
  }
  return moves;
}

const otherDims = ({ cell, dim }: Occurrence) => cell.dims.filter((_, at) => at !== dim);

/** Columns that an update multiplies, over those of a fresh matrix. */
function updateShare(occurrences: readonly Occurrence[], moves: readonly Move[]): number {
  const columns = (list: readonly Occurrence[]): number =>
    list.reduce((sum, occurrence) => sum + dimsCount(otherDims(occurrence)), 0);
  const updated = moves.reduce((sum, { share, affected }) => sum + 2 * share * columns(affected), 0);
  return updated / columns(occurrences);
}
