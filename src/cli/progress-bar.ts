/** Progress on stderr: a bar where that is a terminal, else a plain line every few seconds of long work. */

import type { OnProgress, Progress, Stage } from "../base/progress.ts";

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

/** Lines with the time that the stage has taken, its rate, and the time that is left. */
function createPace(now: () => number): Paced {
  let stage: Stage | undefined;
  let [started, from, last] = [0, 0, 0];
  return (progress) => {
    const { done, total } = progress;
    if (progress.stage !== stage || done < last) [stage, started, from] = [progress.stage, now(), done];
    last = done;
    const passed = now() - started;
    const line = `${progressLine(progress)}  ${clock(passed)}`;
    const rate = ((done - from) / passed) * 1000;
    if (passed < RATED_MS || !(rate > 0)) return line;
    const left = total === undefined ? "" : `  ${clock((Math.max(0, total - done) / rate) * 1000)} left`;
    return `${line}  ${rate >= 10 ? Math.round(rate) : rate.toPrecision(2)}/s${left}`;
  };
}

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
