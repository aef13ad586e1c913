/** A process of `bench threads`: reads a pair once, and matches it whenever it is told to, with so many threads. */

import { matchWeights } from "../../src/match/match-weights.ts";
import { loadPair } from "./match-pairs.ts";
import type { PairFiles } from "./options.ts";
import { secondsSince } from "./timing.ts";

/** What it is told: the pair first, then numbers of threads. */
export type Order = { readonly pair: PairFiles } | { readonly threads: number; readonly maxSweeps?: number };

/** What it answers: to a pair, zeros. */
export interface Answer {
  readonly seconds: number;
  readonly objective: number;
  /** Threads that took part: 1 where memory cannot be shared. */
  readonly threads: number;
}

let loaded: ReturnType<typeof loadPair> | undefined;

async function obey(order: Order): Promise<Answer> {
  if ("pair" in order) {
    loaded = loadPair(order.pair);
    await loaded;
    return { seconds: 0, objective: 0, threads: 0 };
  }
  const { a, b, spec } = await loaded!;
  const start = performance.now();
  const { report } = await matchWeights(a, b, spec, { method: "coordinate", ...order });
  return { seconds: secondsSince(start), objective: report.objective, threads: report.threads };
}

process.on("message", async (order: Order) => {
  process.send!(await obey(order));
});
