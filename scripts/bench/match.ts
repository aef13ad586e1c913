/** `bench match`: whole matchings of models in memory, beside the numpy baseline on the same files. */

import { type Method, matchWeights } from "../../src/match/match-weights.ts";
import { dumpCosts } from "./match-dump.ts";
import { FIXTURE_PAIR, type LoadedPair, loadPair, makeScale } from "./match-pairs.ts";
import type { BenchOptions, PairFiles } from "./options.ts";
import { type Python, startPython } from "./python.ts";
import { bestAndMedian, digits, type Outcome, table } from "./results.ts";
import { median, secondsSince } from "./timing.ts";

/** One matching. */
interface Run {
  readonly seconds: number;
  readonly sweeps: number;
  readonly objective: number;
  /** Time of the later half of the sweeps over that of the earlier one; ours only. */
  readonly halves?: number;
  /** Steps of Frank–Wolfe. */
  readonly iterations?: number;
  /** Seconds in cost matrices and in assignments, as the baseline reports them. */
  readonly costs?: number;
  readonly assignments?: number;
}

interface PairRuns {
  readonly name: string;
  readonly baseline: readonly Run[];
  readonly coordinate: readonly Run[];
  readonly joint: readonly Run[];
}

/** Frank–Wolfe has no seed: where it is quick it is run again for its time, else once. */
const REPEAT_SECONDS = 3;

/** As the baseline is given. */
const ONE_THREAD = { method: "coordinate", threads: 1 } as const;

/** Relative: two programs' sums over the same f32 products in f64. */
const SAME_OBJECTIVE = 1e-9;

/** Times every pair, or dumps its cost matrices, and describes what came out. */
export async function benchMatch(options: BenchOptions): Promise<Outcome> {
  const python = await startPython(options.python);
  const able = typeof python === "string" ? null : python;
  const faults: string[] = [];
  const parts: string[] = [];
  try {
    for (const files of options.pairs.length > 0 ? options.pairs : [FIXTURE_PAIR]) {
      makeScale(files, options.baseline, able?.command ?? null);
      const pair = await loadPair(files);
      if (options.dump !== undefined) {
        parts.push(`${pair.name}: ${await dumpCosts(pair, options.dump)} cost matrices in ${options.dump}`);
        continue;
      }
      parts.push(describePair(await timePair(pair, files, able, options, faults)));
    }
  } finally {
    able?.stop();
  }
  if (options.dump !== undefined) return { body: parts.join("\n"), faults };
  return { body: [introduction(options, python), ...parts].join("\n\n"), faults };
}

async function timePair(
  pair: LoadedPair,
  files: PairFiles,
  python: Python | null,
  options: BenchOptions,
  faults: string[],
): Promise<PairRuns> {
  const runs = { baseline: [] as Run[], coordinate: [] as Run[], joint: [] as Run[] };
  const rival = files.spec === "auto" || options.baseline === undefined ? null : python;
  const { report } = await matchWeights(pair.a, pair.b, pair.spec, { ...ONE_THREAD, maxSweeps: 1 }); // warms up
  if (rival) {
    const { spec, a, b } = files;
    const { fields } = await rival.ask({ request: "baseline", script: options.baseline, spec, a, b });
    compare(`${pair.name}: identity`, report.identityObjective, Number(fields.objective), faults);
  }
  const seeds = options.pace === "quick" ? Math.min(2, options.seeds) : options.seeds;
  for (let seed = 0; seed < seeds; seed++) {
    if (rival) runs.baseline.push(await baselineRun(rival, seed));
    runs.coordinate.push(await ownRun(pair, "coordinate", seed, rival, faults));
    if (seed === 0 || runs.joint[0]!.seconds < REPEAT_SECONDS)
      runs.joint.push(await ownRun(pair, "frank-wolfe", 0, rival, faults));
    const last = [runs.baseline, runs.coordinate, runs.joint].map((list) => list.at(-1));
    console.log(`${pair.name} seed ${seed}: ${last.map((run) => (run ? digits(run.seconds) : "–")).join("  ")} s`);
  }
  return { name: pair.name, ...runs };
}

async function baselineRun(python: Python, seed: number): Promise<Run> {
  const { fields } = await python.ask({ request: "baseline-seed", seed });
  return {
    seconds: Number(fields.seconds),
    sweeps: Number(fields.sweeps),
    objective: Number(fields.objective),
    costs: Number(fields.cost_s),
    assignments: Number(fields.assign_s),
  };
}

async function ownRun(
  { name, a, b, spec }: LoadedPair,
  method: Method,
  seed: number,
  python: Python | null,
  faults: string[],
): Promise<Run> {
  const sweepEnds: number[] = [];
  const start = performance.now();
  const { permutations, report } = await matchWeights(a, b, spec, {
    ...ONE_THREAD,
    method,
    seed,
    onProgress: ({ stage }) => {
      if (stage === "coordinate") sweepEnds.push(secondsSince(start));
      // The first sweep counts from the end of what precedes it: reading, or Frank–Wolfe.
      else sweepEnds.splice(0, sweepEnds.length, secondsSince(start));
    },
  });
  const seconds = secondsSince(start);
  if (python) {
    const plain = Object.fromEntries([...permutations].map(([p, order]) => [p, [...order]]));
    const { fields } = await python.ask({ request: "baseline-objective", permutations: plain });
    compare(`${name}: ${method} seed ${seed}`, report.objective, Number(fields.objective), faults);
  }
  const { sweeps, objective, iterations } = report;
  return { seconds, sweeps, objective, iterations, halves: secondHalf(sweepEnds) };
}

/** Time of the later half of the sweeps over that of the earlier; the middle one of an odd number counts as neither. */
function secondHalf(ends: readonly number[]): number {
  const half = (ends.length - 1) >> 1;
  const between = (from: number, to: number): number => ends.at(to)! - ends.at(from)!;
  return half > 0 ? between(ends.length - 1 - half, ends.length - 1) / between(0, half) : Number.NaN;
}

function compare(what: string, own: number, other: number, faults: string[]): void {
  if (Math.abs(own - other) <= SAME_OBJECTIVE * Math.abs(other)) return;
  faults.push(`${what} has the objective ${own} by us and ${other} by the baseline`);
}

const HEADER = ["", "runs", "seconds", "steps + sweeps", "s / sweep", "objective min / median / max"];

function describePair({ name, baseline, coordinate, joint }: PairRuns): string {
  const row = (label: string, runs: readonly Run[]): string[] => [
    label,
    String(runs.length),
    bestAndMedian(runs.map(({ seconds }) => seconds)),
    `${runs === joint ? `${joint[0]!.iterations} + ` : ""}${range(runs.map(({ sweeps }) => sweeps))}`,
    runs === joint ? "–" : bestAndMedian(runs.map(perSweep)),
    [Math.min, median1, Math.max].map((of) => of(...runs.map(({ objective }) => objective)).toFixed(3)).join(" / "),
  ];
  const rows = [row("ours, coordinate", coordinate), row("ours, frank-wolfe", joint)];
  if (baseline.length > 0) rows.unshift(row("baseline", baseline));
  const halves = coordinate.flatMap(({ halves: share }) =>
    share !== undefined && !Number.isNaN(share) ? [share] : [],
  );
  const notes =
    halves.length > 0
      ? [`Later half of coordinate's sweeps over the earlier: median ${digits(median(halves))} of the time.`]
      : [];
  if (baseline.length > 0) notes.push(...ratios(baseline, coordinate, joint));
  return [`### ${name}`, table(HEADER, rows), notes.map((note) => `- ${note}`).join("\n")].join("\n\n");
}

function ratios(baseline: readonly Run[], coordinate: readonly Run[], joint: readonly Run[]): string[] {
  const faster = (ours: readonly Run[], of: (run: Run) => number): string =>
    `${digits(best(baseline, of) / best(ours, of))} (${digits(middle(baseline, of) / middle(ours, of))})`;
  const total = ({ seconds }: Run): number => seconds;
  const gained = ({ objective }: Run): number => objective;
  const top = Math.max(...baseline.map(gained));
  return [
    `baseline / coordinate: ${faster(coordinate, total)} in total, ${faster(coordinate, perSweep)} per sweep; median objective ${relative(middle(coordinate, gained), middle(baseline, gained))} of the baseline's.`,
    `baseline / frank-wolfe: ${faster(joint, total)} in total; objective ${relative(joint[0]!.objective, top)} of the baseline's best order.`,
    `baseline: ${digits(middle(baseline, ({ costs = 0 }) => costs))} s in cost matrices, ${digits(middle(baseline, ({ assignments = 0 }) => assignments))} s in assignments (medians).`,
  ];
}

const perSweep = ({ seconds, sweeps }: Run): number => seconds / sweeps;
const best = (runs: readonly Run[], of: (run: Run) => number): number => Math.min(...runs.map(of));
const middle = (runs: readonly Run[], of: (run: Run) => number): number => median(runs.map(of));
const median1 = (...values: number[]): number => median(values);
const range = (values: readonly number[]): string => {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? String(low) : `${low}–${high}`;
};

/** "1 + 2.3e-4": how far one objective is above or below another. */
function relative(own: number, other: number): string {
  const share = own / other - 1;
  return `1 ${share < 0 ? "−" : "+"} ${Math.abs(share).toExponential(1)}`;
}

function introduction({ baseline }: BenchOptions, python: Python | string): string {
  const theirs =
    baseline === undefined
      ? "Baseline skipped: no --baseline."
      : typeof python === "string"
        ? `Baseline skipped: ${python}`
        : `Baseline: the paper's Algorithm 1 in numpy and scipy, timed by itself; ${python.versions}.`;
  return [
    "Models in memory; one thread. Ours and the baseline alternate, seed by seed (a seed is a visiting order, not the same one",
    "in both); Frank–Wolfe has none. Seconds are of the whole call; per sweep, they are divided by the sweeps. The baseline",
    "computes the objective of our permutations too, and agrees to 10⁻⁹.",
    theirs,
  ].join("\n");
}
