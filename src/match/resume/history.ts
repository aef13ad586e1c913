/**
 * How each kept matrix came about: computed at some orders, then updated from orders to orders. The same steps give the
 * same bits, so a checkpoint needs no matrix, which would be thousands of times as large.
 */

import type { Watched } from "../costs/keeper.ts";
import { type Outline, otherDims } from "../costs/problem.ts";

/** Orders of the permutations behind a matrix, as `behind` lists them. */
export type Snapshot = readonly Int32Array[];

/** By permutation number: the orders at which its matrix was computed, then those of each update. */
export type History = Snapshot[][];

/** By permutation number, the numbers of those that its matrix depends on. */
export function listBehind({ occurrences }: Outline): number[][] {
  return occurrences.map((all) => {
    const others = all.flatMap(otherDims).map(({ permutation }) => permutation);
    return [...new Set(others.filter((q) => q >= 0))];
  });
}

/** Matrices whose steps are remembered. */
export interface WatchedCosts<T extends Watched> {
  readonly kept: T;
  readonly history: History;
  /** From here on each matrix, when it is first asked for, takes the steps of `earlier` again. */
  resume(earlier: History): void;
}

export function watchCosts<T extends Watched>(costs: T, behind: readonly (readonly number[])[]): WatchedCosts<T> {
  const history: History = behind.map(() => []);
  const pending = new Set<number>();
  const replay = async (p: number): Promise<void> => {
    for (const snapshot of history[p]!) {
      const orders: Int32Array[] = [];
      for (const [at, q] of behind[p]!.entries()) orders[q] = snapshot[at]!;
      await costs.bring(p, orders);
    }
  };
  const bring = async (p: number, orders: readonly Int32Array[]): Promise<void> => {
    if (pending.delete(p)) await replay(p);
    const before = costs.updates(p);
    await costs.bring(p, orders);
    const updates = costs.updates(p);
    const snapshot = behind[p]!.map((q) => orders[q]!);
    // Without an update it is, or might as well be, computed at these orders.
    if (updates === 0) history[p] = [snapshot];
    else if (updates !== before) history[p]!.push(snapshot);
  };
  return {
    kept: { ...costs, bring },
    history,
    resume(earlier) {
      for (const [p, snapshots] of earlier.entries()) {
        history[p] = [...snapshots];
        pending.add(p);
      }
    },
  };
}
