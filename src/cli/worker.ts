/** The thread that computes: runs one command line, and tells the main thread what it says. */

import { parentPort, workerData } from "node:worker_threads";
import { watchTemporaries } from "../node/temporaries.ts";
import type { LineToRun, Report } from "./messages.ts";
import { runLine } from "./run-line.ts";

/** Progress that comes sooner is not passed on: it is only drawn. */
const EVERY_MS = 80;

const { words, watched } = workerData as LineToRun;
const tell = (report: Report): void => parentPort!.postMessage(report);
const interrupt = new AbortController();
// The one thing there is to be told: to stop.
parentPort!.once("message", () => interrupt.abort(new DOMException("interrupted", "AbortError")));
watchTemporaries((path, exists) => tell({ kind: "temporary", path, exists }));
let told = 0;
const outcome = await runLine(words, {
  signal: interrupt.signal,
  say: (line) => tell({ kind: "say", line }),
  onProgress(progress) {
    if (!watched || performance.now() - told < EVERY_MS) return;
    told = performance.now();
    tell({ kind: "progress", progress });
  },
});
tell({ kind: "end", outcome });
