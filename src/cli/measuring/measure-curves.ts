/** All points of curves and all calibrations, shared out over threads; each model is run once for both. */

import { availableParallelism } from "node:os";
import type { Model } from "../../base/model.ts";
import type { Curve } from "../../measure/barrier.ts";
import type { CalibratedPlace, Calibrations } from "../../measure/calibrate-pair.ts";
import type { CurvePair, Line, MeasuredPoint } from "../../measure/curve.ts";
import { mergeModels } from "../../merge/merge-models.ts";
import type { AlignedPair } from "../../perm/pair.ts";
import type { Calibration } from "../../run/metrics.ts";
import type { CommandContext } from "../command.ts";
import type { KeptResults } from "../kept-results.ts";
import { createMeasurer, type Measured, type MeasureJob, type MeasureSetup } from "./measure-model.ts";

/** A point with the loss at its best temperature, where that was asked for. */
export interface TemperedPoint extends MeasuredPoint {
  readonly tempered?: number | undefined;
}

/** One split, measured. */
export interface SplitCurves {
  readonly curves: CurvePair;
  readonly calibration: Calibrations;
  /** Losses at the best temperature, by line, λ rising. */
  readonly tempered: ReadonlyMap<Line, readonly number[]>;
}

export interface CurvesTask {
  readonly pair: AlignedPair;
  readonly setup: MeasureSetup;
  readonly points: number;
  /** Threads at most; "auto" is what the machine has, up to 8. */
  readonly threads: number | "auto";
}

/** A model of a line. λ = 0 of `aligned` is that of `naive`. */
interface LinePlace {
  readonly line: Line;
  readonly lambda: number;
}

/** Names of results in a checkpoint: points of curves by split, line and λ, calibrations by split and place. */
const pointName = (split: string, { line, lambda }: LinePlace): string => `${split} ${line} ${lambda}`;
const placeName = (split: string, place: CalibratedPlace): string => `${split} calibration ${place}`;

const PLACES: readonly (readonly [CalibratedPlace, LinePlace])[] = [
  ["a", { line: "naive", lambda: 0 }],
  ["b", { line: "naive", lambda: 1 }],
  ["naive", { line: "naive", lambda: 0.5 }],
  ["aligned", { line: "aligned", lambda: 0.5 }],
  ["repaired", { line: "repaired", lambda: 0.5 }],
];
const calibratedAt = ({ line, lambda }: LinePlace): CalibratedPlace | undefined =>
  PLACES.find(([, at]) => at.line === line && at.lambda === lambda)?.[0];

/** Measures what `kept` does not have yet, and keeps it. */
export async function measureCurves(
  { signal, onProgress }: Pick<CommandContext, "signal" | "onProgress">,
  task: CurvesTask,
  kept: KeptResults,
): Promise<Map<string, SplitCurves>> {
  const { setup, points } = task;
  const steps = Array.from({ length: points }, (_, i) => i / (points - 1));
  const lines: Line[] = ["naive", "aligned", ...(setup.repair === undefined ? [] : (["repaired"] as const))];
  const found = new Map(kept.found);
  const jobs = jobsOf(lines, steps, [...setup.splits.keys()], found);
  const total = jobs.reduce((sum, { splits }) => sum + imagesIn(setup, splits), 0);
  let done = 0;
  const run = async (job: Job, measure: Measure): Promise<void> => {
    const own = imagesIn(setup, job.splits);
    let before = 0;
    const results = await measure({ ...job, ...(await modelOf(task, job)) }, (images) => {
      done += images - before;
      before = images;
      onProgress({ stage: "evaluate", done, total });
    });
    done += own - before;
    for (const [split, { calibration, ...point }] of results) {
      const measured: TemperedPoint = { split, ...job.at, ...point };
      if (job.isPoint) await keep(found, kept, pointName(split, job.at), measured);
      const place = calibratedAt(job.at);
      if (place !== undefined) await keep(found, kept, placeName(split, place), calibration);
    }
  };
  await runJobs(jobs, task, signal, run);
  return new Map([...setup.splits.keys()].map((split) => [split, splitCurves(split, lines, steps, found)]));
}

async function keep(found: Map<string, unknown>, kept: KeptResults, name: string, value: unknown): Promise<void> {
  if (found.has(name)) return;
  found.set(name, value);
  await kept.keep(name, value);
}

interface Job {
  readonly at: LinePlace;
  /** Whether it is on the curve; else only its calibration is of interest. */
  readonly isPoint: boolean;
  /** Splits on which something is missing. */
  readonly splits: readonly string[];
}

function jobsOf(
  lines: readonly Line[],
  steps: readonly number[],
  splits: readonly string[],
  found: ReadonlyMap<string, unknown>,
): Job[] {
  const lambdas = steps.includes(0.5) ? steps : [...steps, 0.5];
  const places = lines.flatMap((line) =>
    lambdas.filter((lambda) => line !== "aligned" || lambda > 0).map((lambda): LinePlace => ({ line, lambda })),
  );
  return places.flatMap((at) => {
    const isPoint = steps.includes(at.lambda);
    const place = calibratedAt(at);
    const missing = splits.filter(
      (split) =>
        (isPoint && !found.has(pointName(split, at))) || (place !== undefined && !found.has(placeName(split, place))),
    );
    return missing.length === 0 ? [] : [{ at, isPoint, splits: missing }];
  });
}

const imagesIn = ({ splits }: MeasureSetup, names: readonly string[]): number =>
  names.reduce((sum, name) => sum + splits.get(name)!.count, 0);

async function modelOf(
  { pair, setup }: CurvesTask,
  { at: { line, lambda } }: Job,
): Promise<Omit<MeasureJob, "splits">> {
  const [a, aligned] = setup.parents;
  const end = line === "naive" ? pair.b : aligned;
  const model: Model = await mergeModels(a, end, pair.spec, new Map(), { lambda });
  return { model, lambda, repaired: line === "repaired", tempered: line !== "naive" || lambda === 0 };
}

type Measure = (job: MeasureJob, onImages: (done: number) => void) => Promise<ReadonlyMap<string, Measured>>;

/** As many at a time as there are threads for. */
async function runJobs(
  jobs: readonly Job[],
  { setup, threads }: CurvesTask,
  signal: AbortSignal,
  run: (job: Job, measure: Measure) => Promise<void>,
): Promise<void> {
  const wanted = threads === "auto" ? Math.min(8, availableParallelism()) : threads;
  // An ONNX network is that of its file, which stays in this thread.
  const lanes = setup.parents[0].origin?.format === "onnx" ? 1 : Math.min(wanted, jobs.length);
  const measurer = lanes > 1 ? await openPool(setup, lanes, signal) : await createMeasurer(setup, signal);
  const queue = [...jobs];
  const work = async (): Promise<void> => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      signal.throwIfAborted();
      await run(job, (each, onImages) => measurer.measure(each, onImages));
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.max(1, lanes) }, work));
  } finally {
    if ("close" in measurer) measurer.close();
    else measurer.dispose();
  }
}

async function openPool(setup: MeasureSetup, lanes: number, signal: AbortSignal) {
  const { openMeasurePool } = await import("./measure-pool.ts");
  return openMeasurePool(setup, lanes, signal);
}

function splitCurves(
  split: string,
  lines: readonly Line[],
  steps: readonly number[],
  found: ReadonlyMap<string, unknown>,
): SplitCurves {
  const pointsOf = (line: Line): TemperedPoint[] =>
    steps.map((lambda) => {
      const at = line === "aligned" && lambda === 0 ? ({ line: "naive", lambda } as const) : { line, lambda };
      return found.get(pointName(split, at)) as TemperedPoint;
    });
  const curveOf = (line: Line): Curve => ({
    name: line,
    points: pointsOf(line).map(({ lambda, loss, accuracy }) => ({ lambda, loss, accuracy })),
  });
  const calibrations = PLACES.filter(([place]) => place !== "repaired" || lines.includes("repaired")).map(
    ([place]) => [place, found.get(placeName(split, place)) as Calibration] as const,
  );
  const tempered = new Map<Line, readonly number[]>();
  for (const line of lines) {
    const losses = pointsOf(line).map((point) => point.tempered);
    if (losses.every((loss) => loss !== undefined)) tempered.set(line, losses);
  }
  return {
    curves: {
      naive: curveOf("naive"),
      aligned: curveOf("aligned"),
      repaired: lines.includes("repaired") ? curveOf("repaired") : undefined,
    },
    calibration: Object.fromEntries(calibrations) as unknown as Calibrations,
    tempered,
  };
}
