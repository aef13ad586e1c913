/** All models to a common universe: joint steps, then a descent of one model at a time. */

import { createRng } from "../../rng.ts";
import { stepJointly } from "./joint-steps.ts";
import type { ManyRun } from "./match-step.ts";
import { alignToMeans } from "./merge-many.ts";
import type { Orders } from "./models.ts";
import { identityOrders } from "./numbering.ts";
import { createRunningSum } from "./running-sum.ts";

export interface Universe {
  readonly orders: readonly Orders[];
  readonly iterations: number;
  /** Rounds of the descent. */
  readonly rounds: number;
  readonly converged: boolean;
}

/**
 * Frank–Wolfe over the permutations of all models at once, from every model as it is, then rounds of descent in which
 * each model is matched to the mean of the others until none gains. Never below the objective of the models as they are.
 */
export async function alignToUniverse(run: ManyRun): Promise<Universe> {
  const { many, pause } = run;
  const identity = many.models.map(() => identityOrders(many.resolved));
  const joint = await stepJointly(run, identity);
  const before = (await createRunningSum(many, identity, pause)).objective();
  let sum = await createRunningSum(many, joint.orders, pause);
  if (sum.objective() < before) sum = await createRunningSum(many, identity, pause);
  const rounds = await alignToMeans({ ...run, method: "coordinate" }, sum, createRng(run.seed));
  return { orders: sum.orders, iterations: joint.steps, ...rounds };
}
