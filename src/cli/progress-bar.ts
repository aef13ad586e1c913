/** A progress bar on stderr, only where that is a terminal. */

import type { OnProgress, Progress } from "../base/progress.ts";

const WIDTH = 24;
/** Redrawing more often than this only flickers. */
const EVERY_MS = 80;

export interface ProgressBar {
  /** Whether anyone sees it. */
  readonly isDrawn: boolean;
  readonly onProgress: OnProgress;
  /** Removes the bar, so that what follows starts on a clean line. */
  clear(): void;
}

/** Draws on `stream` when it is a terminal and `quiet` is not set; else does nothing. */
export function createProgressBar(stream: NodeJS.WriteStream, quiet: boolean): ProgressBar {
  if (quiet || !stream.isTTY) return { isDrawn: false, onProgress: () => {}, clear: () => {} };
  let drawn = 0;
  let shown = false;
  return {
    isDrawn: true,
    onProgress(progress) {
      const now = performance.now();
      if (shown && now - drawn < EVERY_MS) return;
      drawn = now;
      shown = true;
      stream.write(`\r\x1b[K${progressLine(progress)}`);
    },
    clear() {
      if (shown) stream.write("\r\x1b[K");
      shown = false;
    },
  };
}

/** One line: a bar where the end is known, a count where it is not. */
export function progressLine({ stage, done, total, objective }: Progress): string {
  const value = objective === undefined ? "" : `  objective ${objective.toPrecision(7)}`;
  if (total === undefined) return `${stage.padEnd(12)} step ${done}${value}`;
  const filled = total === 0 ? WIDTH : Math.floor((WIDTH * done) / total);
  return `${stage.padEnd(12)} [${"#".repeat(filled)}${" ".repeat(WIDTH - filled)}] ${done}/${total}${value}`;
}
