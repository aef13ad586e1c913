/** One step of a strategy: a model is matched to what the others are together. */

import type { OnProgress } from "../base/progress.ts";
import type { BuildOptions } from "../kernels/wasm.ts";
import { type MatchOptions, type Method, matchWeights } from "../match/match-weights.ts";
import type { Orders } from "../perm/alignment.ts";
import type { ManyModels } from "./many-models.ts";
import { byNumber, composeOrders } from "./numbering.ts";
import type { RunningSum } from "./running-sum.ts";

/** What the strategies share. */
export interface ManyRun {
  readonly many: ManyModels;
  readonly seed: number;
  readonly method: Method;
  readonly threads: number | "auto";
  readonly maxRounds: number;
  readonly pause: () => Promise<void>;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: OnProgress | undefined;
  readonly build: BuildOptions;
}

/** How the options of a step are called by the matcher. */
export function matchOptions(run: ManyRun, method: Method, seed: number): MatchOptions {
  const { threads, signal, build } = run;
  return { method, seed, threads, signal, ...build };
}

/**
 * Matches model number `i`, as it is aligned now, to the mean of the others. It moves the model if that raises the
 * objective, and returns the gain. "coordinate" starts from the current alignment, "frank-wolfe" at the barycentre.
 */
export async function matchToOthers(
  run: ManyRun,
  sum: RunningSum,
  i: number,
  method: Method,
  seed: number,
): Promise<number> {
  const { many } = run;
  const { permutations } = await matchWeights(
    sum.others(i),
    sum.aligned(i),
    many.spec,
    matchOptions(run, method, seed),
  );
  const found: Orders = byNumber(many.resolved, permutations);
  return sum.move(i, composeOrders(found, sum.orders[i]!));
}
