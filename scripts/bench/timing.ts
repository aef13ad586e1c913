/** Timing of several entrants in turn, so that what disturbs the machine disturbs them alike. */

/** One competitor. */
export interface Entrant {
  readonly name: string;
  /** Does the work `calls` times; seconds it took, all calls together, without what is prepared around them. */
  run(calls: number): number | Promise<number>;
  /** Left out of further rounds once it has used up its share of the time: a rival of old, not the one to beat. */
  readonly aside?: boolean;
}

/** Seconds per call: of each round by its number, and the best and the middle of them. */
export interface Timing {
  readonly name: string;
  readonly rounds: ReadonlyMap<number, number>;
  readonly best: number;
  readonly median: number;
}

export interface Limits {
  /** Seconds to spend on all entrants together, roughly; at least `least` rounds are done all the same. */
  readonly seconds: number;
  readonly least: number;
  readonly most: number;
  /** Seconds after which one round has to do. */
  readonly patience: number;
}

/** A sample shorter than this is several calls long: timers and calls out of Node are not free. */
const SAMPLE_SECONDS = 0.01;

/** An entrant that is this slow needs no warming up: its first run counts. */
const SLOW_SECONDS = 2;

/** Engines compile hot code in the background, after so many seconds of running it. */
const WARM_SECONDS = 0.1;

/** The round of first runs that were too long to be thrown away. */
const WARM_UP = -1;

/** Runs every entrant once a round, in turn, and gives their times in the order of `entrants`. */
export async function alternate(entrants: readonly Entrant[], limits: Limits): Promise<Timing[]> {
  const started = performance.now();
  const rounds: Map<number, number>[] = [];
  const calls: number[] = [];
  for (const entrant of entrants) {
    const first = await warmUp(entrant);
    calls.push(first.calls);
    rounds.push(new Map(first.counts ? [[WARM_UP, first.seconds]] : []));
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  const warm = performance.now();
  const used = entrants.map(() => 0);
  for (let round = 0; round < limits.most; round++) {
    const done = Math.min(...rounds.filter((_, e) => !entrants[e]!.aside).map(({ size }) => size));
    const least = secondsSince(started) > limits.patience ? 1 : limits.least;
    if (secondsSince(warm) > limits.seconds && done >= least) break;
    for (const [e, entrant] of entrants.entries()) {
      if (entrant.aside && rounds[e]!.size > 0 && used[e]! > limits.seconds / entrants.length) continue;
      const seconds = await entrant.run(calls[e]!);
      used[e]! += seconds;
      rounds[e]!.set(round, seconds / calls[e]!);
    }
  }
  return entrants.map(({ name }, e) => summarise(name, rounds[e]!));
}

/** Runs until compiled, and finds how many calls make a sample. `counts` where the first run is too long to discard. */
async function warmUp({ run }: Entrant): Promise<{ calls: number; seconds: number; counts: boolean }> {
  let calls = 1;
  let spent = 0;
  for (;;) {
    const seconds = await run(calls);
    if (seconds > SLOW_SECONDS) return { calls: 1, seconds: seconds / calls, counts: true };
    spent += seconds;
    if (seconds < SAMPLE_SECONDS) calls = Math.min(10 * calls, Math.ceil((1.2 * calls * SAMPLE_SECONDS) / seconds));
    else if (spent > WARM_SECONDS) return { calls, seconds: seconds / calls, counts: false };
  }
}

export function summarise(name: string, rounds: ReadonlyMap<number, number>): Timing {
  const seconds = [...rounds.values()];
  return { name, rounds, best: Math.min(...seconds), median: median(seconds) };
}

/** How many times as long `rival` takes as `mine`: by their best runs, and the middle of the ratios within a round. */
export function ratioOf(rival: Timing, mine: Timing): { best: number; median: number } {
  const within = [...rival.rounds].flatMap(([round, seconds]) => {
    const other = mine.rounds.get(round);
    return other === undefined ? [] : [seconds / other];
  });
  const best = rival.best / mine.best;
  return { best, median: within.length > 0 ? median(within) : rival.median / mine.median };
}

/** The middle of sorted `values`, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Seconds that `work` takes. */
export function time(work: () => void): number {
  const start = performance.now();
  work();
  return secondsSince(start);
}

/** Seconds since `start`, a time of `performance.now()`. */
export function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
