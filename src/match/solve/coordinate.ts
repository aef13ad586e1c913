/**
 * PERMUTATIONCOORDINATEDESCENT, Algorithm 1 of the paper (Ainsworth, Hayase, Srinivasa 2023): visit the permutations in
 * random order, solve each with the others held, until none raises the objective.
 */

import type { OnProgress } from "../../base/progress.ts";
import { type Rng, randomPermutation } from "../../base/rng.ts";
import { samePermutation } from "../../perm/permutation.ts";
import { createKeptCosts, type KeptCosts } from "../costs/kept-costs.ts";
import { wholeObjective } from "../costs/linear-term.ts";
import type { Workspace } from "../costs/workspace.ts";
import { assignGroupAgain } from "./assign-group.ts";
import { createDoubts, type Doubt, gainByCosts, gainByTensors } from "./step-gain.ts";

/** A step must gain this much of the objective's scale; smaller is rounding of the tensors' own f32 values. */
export const RELATIVE_GAIN = 1e-9;

/** An objective this many times smaller than that of the start is worth another descent. */
const MUCH = 1000;

export interface Descent {
  /** By permutation number. */
  readonly orders: Int32Array[];
  readonly objective: number;
  readonly sweeps: number;
}

export interface DescentOptions {
  readonly maxSweeps: number;
  readonly pause: () => Promise<void>;
  readonly onProgress?: OnProgress | undefined;
  /** The objective of `start`, where it is known. */
  readonly startObjective?: number | undefined;
}

/**
 * Descends from `start` (by permutation number; not changed) over matrices of every occurrence. The objective of the
 * result is never below that of `start`: a step is taken only when the objective rises by more than rounding can feign.
 * A permutation is visited again only after one that its cost depends on has moved: until then it would find what it
 * found.
 */
export async function coordinateDescent(
  workspace: Workspace,
  start: readonly Int32Array[],
  kept: KeptCosts,
  rng: Rng,
  options: DescentOptions,
): Promise<Descent> {
  const { problem, keeper } = workspace;
  const at = await keeper?.begin(kept);
  const orders = [...(at?.orders ?? start)];
  const value = (): Promise<number> => wholeObjective(workspace, orders, options.pause);
  let [total, objective, sweeps] = (at?.numbers ?? []) as [number?, number?, number?];
  total ??= options.startObjective ?? (await value());
  objective ??= total;
  sweeps ??= 0;
  const descent: State = {
    workspace,
    orders,
    kept,
    least: RELATIVE_GAIN * Math.max(Math.abs(total), Number.MIN_VALUE),
    doubt: null,
    pause: options.pause,
  };
  const stale = at?.stale ?? Uint8Array.from(problem.groups, ({ root }) => Number(problem.free[root]!));
  while (stale.includes(1) && sweeps < options.maxSweeps) {
    sweeps++;
    objective = await sweepOver(descent, stale, randomPermutation(problem.groups.length, rng), objective);
    options.onProgress?.({ stage: "coordinate", done: sweeps, objective });
    await keeper?.save({ orders, stale, numbers: [total, objective, sweeps] });
  }
  if (objective === total) return { orders, objective, sweeps };
  const reached = await value();
  // It began far below 0: next to that, steps were nothing that are much where it is now, and so was what updates rounded.
  const again = MUCH * RELATIVE_GAIN * Math.abs(reached) < descent.least && sweeps < options.maxSweeps;
  if (!again) return { orders, objective: reached, sweeps };
  const rest = { ...options, maxSweeps: options.maxSweeps - sweeps, startObjective: reached };
  const fresh = createKeptCosts(workspace, workspace.kept, options.pause);
  const further = await coordinateDescent(workspace, orders, fresh, rng, rest);
  return { ...further, sweeps: sweeps + further.sweeps };
}

/**
 * Visits the stale groups in that order; those that a step concerns are stale after it. Returns the objective
 * reached.
 */
async function sweepOver(state: State, stale: Uint8Array, order: Int32Array, from: number): Promise<number> {
  const { groups, free, neighbours } = state.workspace.problem;
  let objective = from;
  for (const g of order) {
    if (!stale[g]) continue;
    const gain = await visitGroup(state, g);
    stale[g] = 0;
    objective += gain;
    if (gain > 0) for (const other of neighbours[g]!) stale[other] = Number(free[groups[other]!.root]!);
  }
  return objective;
}

interface State {
  readonly workspace: Workspace;
  readonly orders: Int32Array[];
  readonly kept: KeptCosts;
  /** A step must gain more than this. */
  readonly least: number;
  /** Read from all tensors when a first step may be taken: a polish seldom takes one. */
  doubt: Doubt | null;
  readonly pause: () => Promise<void>;
}

/** One step: the group's best permutations with all others held, taken if the true objective gains enough. */
async function visitGroup(state: State, g: number): Promise<number> {
  const { workspace, orders } = state;
  const group = workspace.problem.groups[g]!;
  const solved = await workspace.blocks?.solveBlocks(workspace, group, (p) => orders[p]!, state.pause);
  for (const p of [group.root, ...group.nested]) if (!solved?.has(p)) await state.kept.bring(p, orders);
  const found = assignGroupAgain(workspace, group, state.kept.pointers, solved);
  await state.pause();
  if ([...found].every(([p, order]) => samePermutation(order, orders[p]!))) return 0;
  return takeIfBetter(state, g, found);
}

/** Takes `found` for group `g` when the objective gains more than `least`; returns the gain. */
async function takeIfBetter(state: State, g: number, found: ReadonlyMap<number, Int32Array>): Promise<number> {
  const { workspace, orders, kept, least } = state;
  const updates = Math.max(...[...found.keys()].map((p) => kept.updates(p)));
  let gain = gainByCosts(kept, orders, found);
  state.doubt ??= await createDoubts(workspace, state.pause);
  if (!(gain > least + state.doubt(g, updates))) gain = await gainByTensors(workspace, g, orders, found, state.pause);
  if (!(gain > least)) return 0;
  for (const [p, order] of found) orders[p] = order;
  return gain;
}
