#!/usr/bin/env node
/**
 * `rebasin`: a worker thread computes, this one keeps the terminal and the signals, so that Ctrl-C ends a run at any
 * moment. What is imported here is read at every start: nothing of the library is.
 */

import { closeSync, openSync, readSync, rmSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { EXIT, type Outcome } from "./exit.ts";
import type { LineToRun, Report, StopRequest } from "./messages.ts";
import { createProgressBar, type ProgressBar } from "./progress-bar.ts";
import { createStdinParts } from "./stdin-parts.ts";

/** What a run that is interrupted has for cleaning up, before its thread is ended. */
const CLEANING_MS = 300;
/** A worker of a queue gives its jobs back first, which a server or a network file system may be slow at. */
const GIVING_BACK_MS = 5000;
/** And what ending the thread may take. */
const ENDING_MS = 100;

const words = process.argv.slice(2);
const json = words.includes("--json");
const stdin = createStdinParts();

/** Runs the line; resolves to what is left to print. */
function runInWorker(bar: ProgressBar): Promise<Outcome> {
  const line: LineToRun = { words, watched: bar.isDrawn };
  const worker = new Worker(new URL("./cli-worker.js", import.meta.url), { workerData: line });
  const temporaries = new Set<string>();
  return new Promise((resolve) => {
    let forced = false;
    const end = (outcome: Outcome): void => {
      if (forced) return;
      clearTimeout(force);
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
      // Before the thread is ended: Deno tells of its end at once.
      resolve(outcome);
      void worker.terminate();
    };
    let interrupted = false;
    const onSignal = (): void => {
      const stop: StopRequest = { kind: "stop" };
      if (!interrupted) worker.postMessage(stop);
      // A second signal does not wait.
      force ??= setTimeout(endNow, words[0] === "worker" ? GIVING_BACK_MS : CLEANING_MS);
      if (interrupted) endNow();
      interrupted = true;
    };
    let force: ReturnType<typeof setTimeout> | undefined;
    const endNow = (): void => {
      if (forced) return;
      forced = true;
      void endByForce(worker, temporaries, bar);
    };
    process.on("SIGINT", onSignal);
    process.on("SIGTERM", onSignal);
    worker.on("message", (report: Report) => {
      if (report.kind === "progress") bar.onProgress(report.progress);
      else if (report.kind === "stdin") void stdin.next().then((part) => worker.postMessage(part));
      else if (report.kind === "say") {
        bar.clear();
        process.stderr.write(`${report.line}\n`);
      } else if (report.kind === "temporary") temporaries[report.exists ? "add" : "delete"](report.path);
      else if (report.kind === "end") end(report.outcome);
    });
    worker.on("error", (error: Error) => end(failed(`${error.message} (in the thread that computes)`)));
    worker.on("exit", () => end(failed("the thread that computes ended early, expected a result")));
  });
}

/** Ends a thread that does not listen, removes what it would have removed, and leaves. */
async function endByForce(worker: Worker, temporaries: ReadonlySet<string>, bar: ProgressBar): Promise<void> {
  const late = new Promise((resolve) => setTimeout(resolve, ENDING_MS));
  await Promise.race([worker.terminate(), late]);
  for (const path of temporaries) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // It is left behind, for a later run to remove.
    }
  }
  bar.clear();
  await printOutcome(failed("interrupted", EXIT.interrupted, "AbortError"));
  process.exit(EXIT.interrupted);
}

function failed(message: string, code: number = EXIT.failed, type = "Error"): Outcome {
  if (json) return { code, stdout: JSON.stringify({ error: { type, message } }), stderr: "" };
  return { code, stdout: "", stderr: `rebasin: ${message.split("\n")[0]}` };
}

/** Resolves to the exit code when all text is handed over: leaving before that would cut a pipe short. */
async function printOutcome({ code, file, stdout, stderr }: Outcome): Promise<number> {
  const fileError = file === undefined ? null : await copyToStdout(file);
  if (stderr !== "" && fileError === null) await print(process.stderr, `${stderr}\n`);
  const error = stdout === "" ? fileError : await print(process.stdout, `${stdout}\n`);
  if (error === null) return code;
  // A reader that closes the pipe early (head, a pager) is no failure of ours.
  if (error.code === "EPIPE" || error.name === "BrokenPipe") return EXIT.done;
  const isFull = error.code === "ENOSPC" || /no space left/i.test(error.message);
  const why = isFull ? "no space left on device" : error.message;
  await print(process.stderr, `rebasin: stdout cannot be written (${why}), expected room for the result\n`);
  return EXIT.failed;
}

const COPIED_BYTES = 2 ** 20;

/** Hands a temporary file over; from here on it is always removed. */
async function copyToStdout(path: string): Promise<NodeJS.ErrnoException | null> {
  const file = openSync(path, "r");
  try {
    rmSync(path, { force: true });
    for (;;) {
      const part = new Uint8Array(COPIED_BYTES);
      const length = readSync(file, part);
      if (length === 0) return null;
      const error = await print(process.stdout, part.subarray(0, length));
      if (error !== null) return error;
    }
  } finally {
    closeSync(file);
  }
}

/** Resolves when all is handed over, to null; or to why it cannot be. */
function print(stream: NodeJS.WriteStream, what: string | Uint8Array): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    stream.on("error", resolve);
    try {
      stream.write(what, (error) => {
        // Of a write that failed the stream tells twice.
        if (error == null) stream.off("error", resolve);
        resolve(error ?? null);
      });
    } catch (error) {
      // Deno's streams throw.
      resolve(error as NodeJS.ErrnoException);
    }
  });
}

/** Help and the version take no thread. */
const isShort = words.length === 0 || words.some((word) => ["--help", "-h", "help", "--version"].includes(word));

async function main(): Promise<number> {
  if (isShort) {
    const { runLine } = await import("./run-line.ts");
    const { signal } = new AbortController();
    const nothing = (): void => {};
    return printOutcome(
      await runLine(words, { signal, onProgress: nothing, say: nothing, nextOfStdin: async () => undefined }),
    );
  }
  const bar = createProgressBar(process.stderr, json);
  const outcome = await runInWorker(bar);
  bar.clear();
  return printOutcome(outcome);
}

process.exitCode = await main();
// Nobody waits for what would still come.
if (stdin.isOpen) process.exit();
