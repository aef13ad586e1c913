/**
 * Threads that measure, each one model at a time. Loaded on demand, so that it is a chunk beside the thread's own
 * file.
 */

import { Worker } from "node:worker_threads";
import { FormatError, SpecError } from "../../base/errors.ts";
import type { Measured, MeasureJob, MeasureSetup } from "./measure-model.ts";
import type { MeasureReport } from "./measure-worker.ts";
import { type PlainSetup, plainModel, plainSetup } from "./plain.ts";

export interface MeasurePool {
  /** Takes a job to the next thread that is free. */
  measure(job: MeasureJob, onImages: (done: number) => void): Promise<ReadonlyMap<string, Measured>>;
  close(): void;
}

/** One thread. */
interface Lane {
  measure(job: MeasureJob, onImages: (done: number) => void): Promise<ReadonlyMap<string, Measured>>;
  close(): void;
}

/** `threads` threads, started now. Rejects where the host has none. */
export async function openMeasurePool(setup: MeasureSetup, threads: number, signal: AbortSignal): Promise<MeasurePool> {
  const data = await plainSetup(setup);
  const lanes = Array.from({ length: threads }, () => openLane(data, signal));
  const free = await Promise.all(lanes);
  const waiting: ((lane: Lane) => void)[] = [];
  const take = (): Promise<Lane> => {
    const lane = free.pop();
    return lane === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(lane);
  };
  const give = (lane: Lane): void => {
    const next = waiting.shift();
    if (next === undefined) free.push(lane);
    else next(lane);
  };
  return {
    async measure(job, onImages) {
      const lane = await take();
      try {
        return await lane.measure(job, onImages);
      } finally {
        give(lane);
      }
    },
    close() {
      for (const lane of lanes) void lane.then((each) => each.close());
    },
  };
}

/** dist/measure-worker.js, seen from dist/chunks/. */
const WORKER = "../measure-worker.js";

/** Resolves when the thread is ready for its first job. */
function openLane(workerData: PlainSetup, signal: AbortSignal): Promise<Lane> {
  const worker = new Worker(new URL(WORKER, import.meta.url), { workerData });
  let settle: { found(found: ReadonlyMap<string, Measured>): void; fail(reason: unknown): void } | undefined;
  let onImages: (done: number) => void = () => {};
  const fail = (reason: unknown): void => {
    settle?.fail(reason);
    settle = undefined;
  };
  const abort = (): void => {
    fail(signal.reason);
    void worker.terminate();
  };
  signal.addEventListener("abort", abort, { once: true });
  worker.on("error", fail);
  worker.on("exit", () => fail(new Error("a thread that measures ended early, expected its result")));
  return new Promise((resolve, reject) => {
    settle = { found: () => {}, fail: reject };
    const lane: Lane = {
      close() {
        signal.removeEventListener("abort", abort);
        void worker.terminate();
      },
      async measure(job, report) {
        signal.throwIfAborted();
        onImages = report;
        const message = { ...job, model: await plainModel(job.model) };
        return new Promise((found, fails) => {
          settle = { found, fail: fails };
          worker.postMessage(message);
        });
      },
    };
    worker.on("message", (report: MeasureReport) => {
      if (report.kind === "ready") resolve(lane);
      else if (report.kind === "images") onImages(report.done);
      else if (report.kind === "found") settle?.found(report.found);
      else fail(errorOf(report));
    });
  });
}

const CLASSES = { FormatError, SpecError, RangeError, TypeError };

function errorOf({ name, message }: { readonly name: string; readonly message: string }): Error {
  return new (CLASSES[name as keyof typeof CLASSES] ?? Error)(message);
}
