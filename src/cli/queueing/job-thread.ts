/** A job's plan, run in a separate thread: the worker's main thread stays free to renew its claims and locks. */

import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { Worker } from "node:worker_threads";
import type { JobAttempt } from "../../jobs/job-queue.ts";
import { newTemporary, releaseTemporary } from "../../node/temporaries.ts";
import type { MergePlan } from "../../plan/merge-plan.ts";
import type { JobReport, LineToRun, Report, StopRequest } from "../messages.ts";

/** dist/cli-worker.js, seen from dist/chunks/. */
const THREAD = "../cli-worker.js";
/** What a job that is stopped has for cleaning up, before its thread is ended. */
const CLEANING_MS = 2000;

/** What a job leaves: both reports of `rebasin run`. */
export interface RunReport {
  readonly json: unknown;
  readonly text: string;
}

/** Runs `rebasin run` on the plan. Rejects with an error of the same name and, from the system, the same code. */
export async function runPlanInThread(
  plan: MergePlan,
  attempt: JobAttempt,
  options: readonly string[],
): Promise<RunReport> {
  const file = newTemporary(tmpdir());
  await writeFile(file, JSON.stringify(plan), { flag: "wx" });
  try {
    // Another worker may have made the same files, which have the same bytes.
    const report = await runInThread(["run", file, "--force", ...options], attempt);
    if (report.kind === "done") return { json: report.json, text: report.text };
    const { type, message, code } = report;
    throw Object.assign(new Error(message.replaceAll(file, "the job's plan")), { name: type }, code && { code });
  } finally {
    await rm(file, { force: true });
    releaseTemporary(file);
  }
}

function runInThread(words: readonly string[], { signal, onProgress }: JobAttempt): Promise<JobReport> {
  const line: LineToRun = { words, watched: true, isJob: true };
  const thread = new Worker(new URL(THREAD, import.meta.url), { workerData: line });
  const temporaries = new Set<string>();
  return new Promise((resolve, reject) => {
    let late: ReturnType<typeof setTimeout> | undefined;
    const stop = (): void => {
      const request: StopRequest = { kind: "stop" };
      thread.postMessage(request);
      late ??= setTimeout(() => end(() => reject(signal.reason)), CLEANING_MS);
    };
    let isOver = false;
    const end = (settle: () => void): void => {
      // Ending a thread makes an event of its own.
      if (isOver) return;
      isOver = true;
      clearTimeout(late);
      signal.removeEventListener("abort", stop);
      void thread
        .terminate()
        .then(() => Promise.all([...temporaries].map((path) => rm(path, { recursive: true, force: true }))))
        .catch(() => {})
        .then(settle);
    };
    thread.on("message", (report: Report) => {
      if (report.kind === "progress") onProgress(report.progress);
      else if (report.kind === "temporary") temporaries[report.exists ? "add" : "delete"](report.path);
      else if (report.kind === "done" || report.kind === "fault") end(() => resolve(report));
    });
    thread.on("error", (error: Error) => end(() => reject(error)));
    thread.on("exit", () => end(() => reject(new Error("the job's thread ended early, expected a result"))));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
