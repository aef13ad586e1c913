/**
 * Cost matrices that remember. When a neighbour moved in m of its n slots, C changes only through those columns:
 * ΔC = A[:, m] · (B_new − B_old)[:, m]ᵀ, which late sweeps make much cheaper than computing C again.
 */

import { accumulateCost } from "./cost.ts";
import type { Lookup } from "./offsets.ts";
import type { Workspace } from "./workspace.ts";

/** An update adds the new columns and subtracts the old: beyond this share of all it costs more than a fresh matrix. */
const LARGEST_SHARE = 0.4;
/** Updates before a fresh matrix, so that roundings of f32 do not pile up. */
const MOST_UPDATES = 8;

export interface KeptCosts {
  /**
   * Brings the matrix of permutation `p` to where it belongs for the current `orders` and returns whether it is fresh:
   * computed from the tensors alone, not by updates. `insist` makes it fresh.
   */
  bring(p: number, orders: readonly Int32Array[], insist: boolean): Promise<boolean>;
}

/**
 * `costs` are pointers to one n×n f32 matrix per permutation. With `shared`, several permutations use one matrix and
 * every `bring` computes afresh.
 */
export function createKeptCosts(
  workspace: Workspace,
  costs: readonly number[],
  shared: boolean,
  pause: () => Promise<void>,
): KeptCosts {
  const { kernels, problem } = workspace;
  /** The orders that each matrix stands for; arrays are replaced, never changed, so references tell. */
  const standing: (Int32Array[] | null)[] = costs.map(() => null);
  const updates = costs.map(() => 0);

  const compute = async (p: number, orders: readonly Int32Array[]): Promise<void> => {
    const n = problem.permutations[p]!.size;
    kernels.f32(costs[p]!, n * n).fill(0);
    await accumulateCost(workspace, p, problem.occurrences[p]!, (q) => orders[q]!, costs[p]!, { pause });
    standing[p] = [...orders];
    updates[p] = 0;
  };
  const update = async (p: number, at: Int32Array[], moves: readonly Move[]): Promise<void> => {
    for (const { permutation, order, slots } of moves) {
      const affected = problem.occurrences[p]!.filter(({ cell, dim }) =>
        cell.dims.some((other, i) => i !== dim && other.permutation === permutation),
      );
      const only = { permutation, slots };
      const lookup: Lookup = (q) => at[q]!;
      await accumulateCost(workspace, p, affected, lookup, costs[p]!, { pause, scale: -1, only });
      at[permutation] = order;
      await accumulateCost(workspace, p, affected, lookup, costs[p]!, { pause, only });
    }
    updates[p]!++;
  };
  return {
    async bring(p, orders, insist) {
      const at = standing[p];
      const moves = at == null ? [] : movesBetween(workspace, p, at, orders);
      if (shared || at == null || updates[p]! >= MOST_UPDATES || moves.some(({ share }) => share > LARGEST_SHARE)) {
        await compute(p, orders);
      } else if (insist && (updates[p]! > 0 || moves.length > 0)) {
        await compute(p, orders);
      } else if (moves.length > 0) {
        await update(p, at, moves);
      }
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
}

function movesBetween(
  { problem }: Workspace,
  p: number,
  from: readonly Int32Array[],
  to: readonly Int32Array[],
): Move[] {
  const neighbours = new Set<number>();
  for (const { cell, dim } of problem.occurrences[p]!) {
    cell.dims.forEach(({ permutation }, at) => {
      if (at !== dim && permutation >= 0) neighbours.add(permutation);
    });
  }
  const moves: Move[] = [];
  for (const permutation of neighbours) {
    const [before, order] = [from[permutation]!, to[permutation]!];
    if (before === order) continue;
    const slots: number[] = [];
    for (let i = 0; i < order.length; i++) if (before[i] !== order[i]) slots.push(i);
    moves.push({ permutation, order, slots: Int32Array.from(slots), share: slots.length / order.length });
  }
  return moves;
}
