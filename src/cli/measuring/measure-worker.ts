/** A thread that measures: the models it is sent, one at a time, on its own TensorFlow.js. */

import { parentPort, workerData } from "node:worker_threads";
import { createMeasurer, type Measured } from "./measure-model.ts";
import { modelOf, type PlainJob, type PlainSetup, setupOf } from "./plain.ts";

/** A thread's report on its job. */
export type MeasureReport =
  | { readonly kind: "ready" }
  | { readonly kind: "images"; readonly done: number }
  | { readonly kind: "found"; readonly found: ReadonlyMap<string, Measured> }
  | { readonly kind: "failed"; readonly name: string; readonly message: string };

const tell = (report: MeasureReport): void => parentPort!.postMessage(report);

function fail(error: unknown): void {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  tell({ kind: "failed", name, message });
}

try {
  const measurer = await createMeasurer(setupOf(workerData as PlainSetup));
  parentPort!.on("message", ({ model, ...job }: PlainJob) => {
    const onImages = (done: number): void => tell({ kind: "images", done });
    measurer.measure({ ...job, model: modelOf(model) }, onImages).then((found) => tell({ kind: "found", found }), fail);
  });
  tell({ kind: "ready" });
} catch (error) {
  fail(error);
}
