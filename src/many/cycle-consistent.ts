/** All models to a common universe: pairs, then joint steps, then a descent of one model at a time. */

import { createRng } from "../base/rng.ts";
import { matchWeights } from "../match/match-weights.ts";
import type { Orders } from "../perm/alignment.ts";
import { alignToMeans } from "./align-to-means.ts";
import { stepJointly } from "./joint-steps.ts";
import { type ManyRun, matchOptions } from "./match-step.ts";
import { byNumber, identityOrders } from "./numbering.ts";
import { createRunningSum, type RunningSum } from "./running-sum.ts";

export interface Universe {
  readonly orders: readonly Orders[];
  /** Joint steps. */
  readonly iterations: number;
  /** Rounds of the descent. */
  readonly rounds: number;
  readonly converged: boolean;
}

/**
 * Each model is matched to model number `hub` by Frank–Wolfe; from there all step jointly. Then rounds of descent match
 * each model to the mean of the others until none gains. Never below the objective of the models as they are.
 *
 * C²M³ starts at the identity, so its result depends on how each model numbers its units. The matchings to one of them
 * start at the barycentre and ignore numbering. The order of models decides only the hub and the descent's first visit.
 */
export async function alignToUniverse(run: ManyRun, hub: number): Promise<Universe> {
  const { many } = run;
  const identity = many.models.map(() => identityOrders(many.resolved));
  const star = await matchToHub(run, hub);
  const joint = await stepJointly(run, star);
  const sum = await highest(run, [joint.orders, star, identity]);
  const rounds = await alignToMeans({ ...run, method: "coordinate" }, sum, createRng(run.seed));
  return { orders: sum.orders, iterations: joint.steps, ...rounds };
}

async function matchToHub(run: ManyRun, hub: number): Promise<Orders[]> {
  const { many, seed } = run;
  const orders: Orders[] = [];
  for (const [i, model] of many.models.entries()) {
    if (i === hub) orders.push(identityOrders(many.resolved));
    else {
      const options = matchOptions(run, "frank-wolfe", seed);
      const { permutations } = await matchWeights(many.models[hub]!, model, many.spec, options);
      orders.push(byNumber(many.resolved, permutations));
    }
    run.onProgress?.({ stage: "many", done: i + 1, total: many.models.length });
  }
  return orders;
}

/** The sum at the alignment of the highest objective, the first of those that are alike. */
async function highest({ many, pause }: ManyRun, alignments: readonly (readonly Orders[])[]): Promise<RunningSum> {
  let best: RunningSum | null = null;
  for (const orders of alignments) {
    const sum = await createRunningSum(many, orders, pause);
    if (best === null || sum.objective() > best.objective()) best = sum;
  }
  return best!;
}
