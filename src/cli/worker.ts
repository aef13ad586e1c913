/** The thread that computes: runs one command line, and reports to the main thread. */

import { parentPort, workerData } from "node:worker_threads";
import { FormatError } from "../base/errors.ts";
import { codeOf } from "../node/system-error.ts";
import { watchTemporaries } from "../node/temporaries.ts";
import type { JobReport, LineToRun, Report, StdinPart, StopRequest } from "./messages.ts";
import { runJobLine, runLine, type Ways } from "./run-line.ts";

/** Progress that comes sooner is not passed on: it is only drawn. */
const EVERY_MS = 80;

const { words, watched, isJob } = workerData as LineToRun;
const tell = (report: Report): void => parentPort!.postMessage(report);
const interrupt = new AbortController();
let takePart: (part: StdinPart) => void = () => {};
parentPort!.on("message", (told: StdinPart | StopRequest) => {
  if (told.kind === "stdin") takePart(told);
  else interrupt.abort(new DOMException("interrupted", "AbortError"));
});

/** The main thread has stdin. Rejects as soon as this one is to stop: nothing may ever come. */
function nextOfStdin(): Promise<Uint8Array | undefined> {
  const { signal } = interrupt;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    takePart = ({ part, fault }) => {
      signal.removeEventListener("abort", stop);
      if (fault === undefined) resolve(part);
      else reject(new FormatError(`stdin cannot be read (${fault}), expected a model file`));
    };
    tell({ kind: "stdin" });
  });
}

watchTemporaries((path, exists) => tell({ kind: "temporary", path, exists }));
let told = 0;
const ways: Ways = {
  signal: interrupt.signal,
  nextOfStdin,
  say: (line) => tell({ kind: "say", line }),
  onProgress(progress) {
    if (!watched || performance.now() - told < EVERY_MS) return;
    told = performance.now();
    tell({ kind: "progress", progress });
  },
};
if (isJob) tell(await jobReport());
else tell({ kind: "end", outcome: await runLine(words, ways) });

async function jobReport(): Promise<JobReport> {
  try {
    const { json, text } = await runJobLine(words, ways);
    return { kind: "done", json, text };
  } catch (error) {
    const { name, message, cause } = error instanceof Error ? error : new Error(String(error));
    return { kind: "fault", type: name, message, code: codeOf(error) ?? codeOf(cause) };
  }
}
