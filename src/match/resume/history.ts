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

/** The same matrices; their steps go into `history`. */
export function watchCosts<T extends Watched>(kept: T, history: History, behind: readonly (readonly number[])[]): T {
  return {
    ...kept,
    async bring(p: number, orders: readonly Int32Array[]) {
      const before = kept.updates(p);
      await kept.bring(p, orders);
      const updates = kept.updates(p);
      const snapshot = behind[p]!.map((q) => orders[q]!);
      // Without an update it is, or might as well be, computed at these orders.
      if (updates === 0) history[p] = [snapshot];
      else if (updates !== before) history[p]!.push(snapshot);
    },
  };
}

/** Takes the steps of `history` again. */
export async function replay(kept: Watched, history: History, behind: readonly (readonly number[])[]): Promise<void> {
  for (const [p, snapshots] of history.entries())
    for (const snapshot of snapshots) {
      const orders: Int32Array[] = [];
      for (const [at, q] of behind[p]!.entries()) orders[q] = snapshot[at]!;
      await kept.bring(p, orders);
    }
}
