/**
 * MERGEMANY, Algorithm 3 of the paper (Ainsworth, Hayase, Srinivasa 2023): in random order, each model is
 * weight-matched to the mean of the others, until none comes closer to it.
 */

import { type Rng, randomPermutation } from "../base/rng.ts";
import { type ManyRun, matchToOthers } from "./match-step.ts";
import type { RunningSum } from "./running-sum.ts";

export interface Rounds {
  /** Rounds over all models, the last one, that moves nothing, included. */
  readonly rounds: number;
  /** False when `maxRounds` ended it. */
  readonly converged: boolean;
}

/**
 * Moves the models of `sum`. The distance ‖mean of the others − θ_i‖ falls exactly when ⟨mean of the others, θ_i⟩
 * rises. So in a round without a gain no distance fell. The first round matches by the method that was asked for, all
 * others by descent from where the models are. The objective never falls.
 */
export async function alignToMeans(run: ManyRun, sum: RunningSum, rng: Rng): Promise<Rounds> {
  const { seed, maxRounds, onProgress } = run;
  const count = sum.orders.length;
  let step = 0;
  for (let round = 1; round <= maxRounds; round++) {
    let gain = 0;
    for (const i of randomPermutation(count, rng)) {
      gain += await matchToOthers(run, sum, i, round === 1 ? run.method : "coordinate", seed + step);
      step++;
      onProgress?.({ stage: "many", done: step, objective: sum.objective() });
    }
    if (!(gain > 0)) return { rounds: round, converged: true };
  }
  return { rounds: maxRounds, converged: false };
}
