/**
 * Hierarchical Re-Basin (Franke, Heinrich, Lange, Raulf 2025, arXiv 2510.09174): models are merged in pairs, the merges
 * in pairs again, until one is left. Counts that are no power of two take part with λ = n_b / (n_a + n_b), so that
 * every model has the same weight in the end.
 */

import type { ResolvedTensor } from "../axes/types.ts";
import { elementCount } from "../base/model.ts";
import { matchWeights } from "../match/match-weights.ts";
import type { Orders } from "../perm/alignment.ts";
import { votingModel } from "./many-models.ts";
import { type ManyRun, matchOptions } from "./match-step.ts";
import { byNumber, composeOrders, identityOrders } from "./numbering.ts";

/** Two merges that became one: numbers of the models in each, and the second one's share. */
export interface TreePair {
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly lambda: number;
}

/** One stage; norms are over voting tensors. */
export interface TreeStage {
  readonly pairs: readonly TreePair[];
  /** ‖θ‖ of every merge that the stage left, in order: they fall as models are averaged. */
  readonly norms: readonly number[];
}

/** A merge so far: its models, and what each was moved by. */
interface Branch {
  readonly models: readonly number[];
  readonly orders: readonly Orders[];
}

/**
 * Pairs neighbours in the order given; a single one passes unchanged to the next stage. The merges are never stored: a
 * merge is the mean of its models, read again when it is matched. Returns every model's permutations, numbered as in
 * the first model.
 */
export async function alignByTree(run: ManyRun): Promise<{ orders: Orders[]; stages: TreeStage[] }> {
  const { many, onProgress } = run;
  const identity = identityOrders(many.resolved);
  let branches: Branch[] = many.models.map((_, i) => ({ models: [i], orders: [identity] }));
  const stages: TreeStage[] = [];
  let matched = 0;
  while (branches.length > 1) {
    const next: Branch[] = [];
    const pairs: TreePair[] = [];
    for (let at = 0; at + 1 < branches.length; at += 2) {
      const [a, b] = [branches[at]!, branches[at + 1]!];
      const merged = await join(run, a, b);
      next.push(merged);
      pairs.push({ a: a.models, b: b.models, lambda: b.models.length / merged.models.length });
      onProgress?.({ stage: "many", done: ++matched, total: many.models.length - 1 });
    }
    if (branches.length % 2 === 1) next.push(branches.at(-1)!);
    branches = next;
    const norms: number[] = [];
    for (const branch of branches) norms.push(await normOf(run, branch));
    stages.push({ pairs, norms });
  }
  // Neighbours are paired in order, so the last branch has the models in order.
  return { orders: [...branches[0]!.orders], stages };
}

/** Aligns all of `b` to `a`. */
async function join(run: ManyRun, a: Branch, b: Branch): Promise<Branch> {
  const { many, method, seed } = run;
  const [meanA, meanB] = [a, b].map((branch) => votingModel(many, nameOf(run, branch), (t) => meanOf(run, branch, t)));
  const { permutations } = await matchWeights(meanA!, meanB!, many.spec, matchOptions(run, method, seed));
  const found = byNumber(many.resolved, permutations);
  return {
    models: [...a.models, ...b.models],
    orders: [...a.orders, ...b.orders.map((own) => composeOrders(found, own))],
  };
}

const nameOf = ({ many }: ManyRun, { models }: Branch): string => models.map((i) => many.models[i]!.name).join(" + ");

/** One tensor of a merge: the mean of its models, summed in f64. */
async function meanOf({ many }: ManyRun, { models, orders }: Branch, tensor: ResolvedTensor): Promise<Float32Array> {
  const sum = new Float64Array(elementCount(tensor.info.shape));
  for (let at = 0; at < models.length; at++) {
    const values = await many.readAligned(models[at]!, tensor, orders[at]!);
    for (let e = 0; e < sum.length; e++) sum[e]! += values[e]!;
  }
  return Float32Array.from(sum, (value) => value / models.length);
}

async function normOf(run: ManyRun, branch: Branch): Promise<number> {
  let square = 0;
  for (const tensor of run.many.voting) {
    const mean = await meanOf(run, branch, tensor);
    for (let e = 0; e < mean.length; e++) square += mean[e]! * mean[e]!;
    await run.pause();
  }
  return Math.sqrt(square);
}
