/** Progress on stderr: a bar where that is a terminal, else a plain line every few seconds of long work. */

import type { OnProgress, Progress, Work } from "../base/progress.ts";

const WIDTH = 24;
/** Redrawing more often than this only flickers. */
const EVERY_MS = 80;
/** Plain lines begin late: most work is over before, and logs stay short. */
const FIRST_LINE_MS = 10_000;
const NEXT_LINE_MS = 5000;
/** A rate of less than this means nothing yet. */
const RATED_MS = 500;

export interface ProgressBar {
  /** Whether anyone sees it. */
  readonly isDrawn: boolean;
  readonly onProgress: OnProgress;
  /** Removes the bar, so that what follows starts on a clean line. */
  clear(): void;
}

/** What it writes to. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** Writes to `stream` unless `quiet` is set. `now` is a clock in milliseconds. */
export function createProgressBar(
  stream: ProgressStream,
  quiet: boolean,
  now: () => number = () => performance.now(),
): ProgressBar {
  if (quiet) return { isDrawn: false, onProgress: () => {}, clear: () => {} };
  const paced = createPace(now);
  return stream.isTTY === true ? drawnBar(stream, paced, now) : plainLines(stream, paced, now);
}

type Paced = (progress: Progress) => string;

function drawnBar(stream: ProgressStream, paced: Paced, now: () => number): ProgressBar {
  let drawn = Number.NEGATIVE_INFINITY;
  let shown = false;
  return {
    isDrawn: true,
    onProgress(progress) {
      const line = paced(progress);
      if (now() - drawn < EVERY_MS) return;
      drawn = now();
      shown = true;
      stream.write(`\r\x1b[K${line}`);
    },
    clear() {
      if (shown) stream.write("\r\x1b[K");
      shown = false;
      drawn = Number.NEGATIVE_INFINITY;
    },
  };
}

function plainLines(stream: ProgressStream, paced: Paced, now: () => number): ProgressBar {
  let next = now() + FIRST_LINE_MS;
  return {
    isDrawn: true,
    onProgress(progress) {
      const line = paced(progress);
      if (now() < next) return;
      next = now() + NEXT_LINE_MS;
      stream.write(`${line}\n`);
    },
    clear() {},
  };
}

/**
 * Lines with the time that the stage has taken, its rate, and the time that is left. Where a report has its work, both
 * go by that; of a stage without a known end, the time that is left is that of the step.
 */
function createPace(now: () => number): Paced {
  const stage = createRate(now);
  const step = createRate(now);
  let last: Progress | undefined;
  return (report) => {
    const { done, total, work } = report;
    const isNew = report.stage !== last?.stage || done < last.done;
    const isNewStep = isNew || done !== last?.done;
    // Inside a step, the objective is that of the step before.
    const progress = isNew ? report : { ...report, objective: report.objective ?? last?.objective };
    last = progress;
    const ofStage = stage(total !== undefined && work !== undefined ? work.done : done, isNew);
    const ofStep = step(work?.done ?? 0, isNewStep);
    const line = `${progressLine(progress)}  ${clock(ofStage.passed)}`;
    if (total === undefined && work !== undefined)
      return ofStep.rate === undefined
        ? line
        : `${line}  ${rateText(ofStep.rate, work.unit)}  ${leftText(work.total - work.done, ofStep.rate)} of this step`;
    if (ofStage.rate === undefined) return line;
    const end = work?.total ?? total;
    const left = end === undefined ? "" : `  ${leftText(end - (work?.done ?? done), ofStage.rate)}`;
    return `${line}  ${rateText(ofStage.rate, work?.unit)}${left}`;
  };
}

/** How fast a count grows a second since it was new; undefined where that means nothing yet. */
function createRate(now: () => number): (count: number, isNew: boolean) => { passed: number; rate?: number } {
  let [started, from] = [0, 0];
  return (count, isNew) => {
    if (isNew) [started, from] = [now(), count];
    const passed = now() - started;
    const rate = ((count - from) / passed) * 1000;
    return passed < RATED_MS || !(rate > 0) ? { passed } : { passed, rate };
  };
}

const leftText = (amount: number, rate: number): string => `${clock((Math.max(0, amount) / rate) * 1000)} left`;

/** Of multiplications with their additions, as floating-point operations. */
function rateText(rate: number, unit: Work["unit"] | undefined): string {
  if (unit === "bytes") return `${short(rate / 1e6)} MB/s`;
  if (unit === "multiplications") return `${short((2 * rate) / 1e9)} GFLOP/s`;
  return `${short(rate)}/s`;
}

const short = (value: number): string => (value >= 10 ? String(Math.round(value)) : value.toPrecision(2));

/** Minutes and seconds, as 1:05. */
function clock(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A bar where the end is known, a count where it is not. */
export function progressLine({ stage, done, total, objective }: Progress): string {
  const value = objective === undefined ? "" : `  objective ${objective.toPrecision(7)}`;
  if (total === undefined) return `${stage.padEnd(12)} step ${done}${value}`;
  const filled = total === 0 ? WIDTH : Math.floor((WIDTH * done) / total);
  return `${stage.padEnd(12)} [${"#".repeat(filled)}${" ".repeat(WIDTH - filled)}] ${done}/${total}${value}`;
}
