/**
 * PERMUTATIONCOORDINATEDESCENT, Algorithm 1 of the paper (Ainsworth, Hayase, Srinivasa 2023): visit the permutations in
 * random order, solve each with the others held, until none raises the objective.
 */

import type { OnProgress } from "../progress.ts";
import { type Rng, randomPermutation } from "../rng.ts";
import { assignGroup } from "./assign-group.ts";
import { accumulateCost } from "./cost.ts";
import { objectiveByTensor, tensorObjective } from "./objective.ts";
import type { Lookup } from "./offsets.ts";
import type { Workspace } from "./workspace.ts";

/** A step must gain this much of the objective's scale; smaller is rounding of the tensors' own f32 values. */
const RELATIVE_GAIN = 1e-9;

export interface Descent {
  /** By permutation number. */
  readonly orders: Int32Array[];
  readonly objective: number;
  readonly sweeps: number;
}

/**
 * Descends from `start` (by permutation number; not changed). `costs` are pointers to one n×n f32 matrix per
 * permutation; permutations of different groups may share one. The objective of the result is never below that of
 * `start`: a step is taken only when the true objective, in f64, rises. A permutation is visited again only after one
 * that its cost depends on has moved: until then it would find what it found.
 */
export async function coordinateDescent(
  workspace: Workspace,
  start: readonly Int32Array[],
  costs: readonly number[],
  rng: Rng,
  options: { maxSweeps: number; pause: () => Promise<void>; onProgress?: OnProgress | undefined },
): Promise<Descent> {
  const { problem } = workspace;
  const orders = [...start];
  const lookup: Lookup = (p) => orders[p]!;
  const { byTensor, total } = await objectiveByTensor(workspace, lookup, options.pause);
  const scale = Math.max(Math.abs(total), Number.MIN_VALUE);
  const stale = new Uint8Array(problem.groups.length).fill(1);
  let objective = total;
  let sweeps = 0;
  while (sweeps < options.maxSweeps && stale.includes(1)) {
    sweeps++;
    for (const g of randomPermutation(problem.groups.length, rng)) {
      if (!stale[g]) continue;
      stale[g] = 0;
      const gain = await visitGroup(workspace, g, orders, byTensor, costs, RELATIVE_GAIN * scale, options.pause);
      if (gain === 0) continue;
      objective += gain;
      for (const neighbour of problem.neighbours[g]!) stale[neighbour] = 1;
    }
    options.onProgress?.({ stage: "coordinate", done: sweeps, objective });
  }
  return { orders, objective: byTensor.reduce((sum, value) => sum + value, 0), sweeps };
}

/** One step: the group's best permutations with all others held, taken if the objective gains more than `least`. */
async function visitGroup(
  workspace: Workspace,
  g: number,
  orders: Int32Array[],
  byTensor: Float64Array,
  costs: readonly number[],
  least: number,
  pause: () => Promise<void>,
): Promise<number> {
  const { kernels, problem } = workspace;
  const group = problem.groups[g]!;
  const lookup: Lookup = (p) => orders[p]!;
  for (const p of [group.root, ...group.nested]) {
    const n = problem.permutations[p]!.size;
    kernels.f32(costs[p]!, n * n).fill(0);
    await accumulateCost(workspace, p, problem.occurrences[p]!, lookup, costs[p]!, pause);
  }
  const found = assignGroup(workspace, group, costs);
  await pause();
  if ([...found].every(([p, order]) => order.every((j, i) => orders[p]![i] === j))) return 0;
  const touched = problem.touched[g]!;
  const candidate: Lookup = (p) => found.get(p) ?? orders[p]!;
  const values: number[] = [];
  let gain = 0;
  for (const t of touched) {
    const value = tensorObjective(workspace, t, candidate);
    values.push(value);
    gain += value - byTensor[t]!;
    await pause();
  }
  if (!(gain > least)) return 0;
  touched.forEach((t, at) => {
    byTensor[t] = values[at]!;
  });
  for (const [p, order] of found) orders[p] = order;
  return gain;
}
