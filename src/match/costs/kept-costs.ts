/**
 * Cost matrices that remember. When a neighbour moved in m of its n slots, C changes only through those columns: ΔC =
 * A[:, m] · (B_new − B_old)[:, m]ᵀ. Late sweeps are then much cheaper than computing C again.
 */

import { accumulateCost } from "./accumulate-cost.ts";
import { beginCosts } from "./linear-term.ts";
import type { Matrices } from "./matrices.ts";
import { dimsCount } from "./offsets.ts";
import { type Occurrence, otherDims } from "./problem.ts";
import type { Workspace } from "./workspace.ts";

/** Beyond this share of all columns an update, which gathers B twice, is no cheaper than a fresh matrix. */
const LARGEST_SHARE = 0.8;
/**
 * Updates before a fresh matrix. Each adds one rounding of f32 to an entry, as each block of 256 columns of a fresh
 * matrix does. A fresh entry has dozens of those, so the drift is not larger than ordinary rounding.
 */
const MOST_UPDATES = 32;

/** Where `shared`, a matrix is there until one of another group is brought. */
export interface KeptCosts extends Pick<Matrices, "pointers" | "shared" | "chosenSum"> {
  /** Brings the matrix of permutation `p` to where it belongs for the current `orders`. */
  bring(p: number, orders: readonly Int32Array[]): Promise<void>;
  /** How often the matrix of permutation `p` was updated since it was computed. */
  updates(p: number): number;
}

/**
 * Matrices over the occurrences that `counts` accepts, none of them computed yet. Arrays of orders must be replaced and
 * never changed: references show what moved. With `shared` matrices every `bring` computes afresh.
 */
export function createKeptCosts(
  workspace: Workspace,
  matrices: Matrices,
  pause: () => Promise<void>,
  counts: (occurrence: Occurrence) => boolean = () => true,
): KeptCosts {
  const occurrences = workspace.problem.occurrences.map((all) => all.filter(counts));
  /** Per matrix, the orders of the permutations it depends on: all of them, for each, would be a million. */
  const standing: (Map<number, Int32Array> | null)[] = occurrences.map(() => null);
  const updates = occurrences.map(() => 0);
  const compute = async (p: number, orders: readonly Int32Array[]): Promise<void> => {
    await beginCosts(workspace, p, matrices);
    await accumulateCost(workspace, p, occurrences[p]!, (q) => orders[q]!, matrices, { pause });
    standing[p] = ordersBehind(occurrences[p]!, orders);
    updates[p] = 0;
  };
  const update = async (p: number, at: Map<number, Int32Array>, moves: readonly Move[]): Promise<void> => {
    await matrices.load(p, "change");
    for (const { permutation, order, slots, affected } of moves) {
      const since = { permutation, slots, before: at.get(permutation)! };
      at.set(permutation, order);
      await accumulateCost(workspace, p, affected, (q) => at.get(q)!, matrices, { pause, since });
    }
    updates[p]!++;
  };
  const costs: KeptCosts = {
    ...matrices,
    updates: (p) => updates[p]!,
    async bring(p, orders) {
      const at = standing[p];
      if (matrices.shared || at == null) return compute(p, orders);
      const moves = movesBetween(occurrences[p]!, at, orders);
      if (moves.length === 0) return matrices.load(p, "read");
      const isDear = updates[p]! >= MOST_UPDATES || updateShare(occurrences[p]!, moves) > LARGEST_SHARE;
      if (isDear || moves.some(crosses)) await compute(p, orders);
      else await update(p, at, moves);
    },
  };
  return workspace.keeper?.watch(costs) ?? costs;
}

/** The orders that a matrix depends on, by permutation. */
function ordersBehind(occurrences: readonly Occurrence[], orders: readonly Int32Array[]): Map<number, Int32Array> {
  const others = occurrences.flatMap(otherDims).filter(({ permutation }) => permutation >= 0);
  return new Map(others.map(({ permutation: q }) => [q, orders[q]!]));
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
  from: ReadonlyMap<number, Int32Array>,
  to: readonly Int32Array[],
): Move[] {
  const affected = new Map<number, Occurrence[]>();
  for (const occurrence of occurrences) {
    for (const permutation of new Set(otherDims(occurrence).map((dim) => dim.permutation))) {
      if (permutation < 0 || from.get(permutation) === to[permutation]) continue;
      const list = affected.get(permutation);
      if (list === undefined) affected.set(permutation, [occurrence]);
      else list.push(occurrence);
    }
  }
  const moves: Move[] = [];
  for (const [permutation, list] of affected) {
    const [before, order] = [from.get(permutation)!, to[permutation]!];
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

/** Two dimensions of one cell moved: the columns of its slots are then not all that changed. */
const crosses = ({ permutation, affected }: Move): boolean =>
  affected.some((occurrence) => otherDims(occurrence).filter((dim) => dim.permutation === permutation).length > 1);

/** Columns that an update multiplies, over those of a fresh matrix. */
function updateShare(occurrences: readonly Occurrence[], moves: readonly Move[]): number {
  const columns = (list: readonly Occurrence[]): number =>
    list.reduce((sum, occurrence) => sum + dimsCount(otherDims(occurrence)), 0);
  const updated = moves.reduce((sum, { share, affected }) => sum + share * columns(affected), 0);
  return updated / columns(occurrences);
}
