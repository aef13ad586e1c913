/** A worker's handler for jobs of plans. */

import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { FormatError } from "../base/errors.ts";
import { codeOf } from "../node/system-error.ts";
import { newTemporary, releaseTemporary } from "../node/temporaries.ts";
import { checkPlan } from "../plan/check-plan.ts";
import type { MergePlan } from "../plan/merge-plan.ts";
import type { JobAttempt, JobHandler } from "./job-queue.ts";
import type { PlanPayload } from "./plan-job.ts";

/** Runs a plan whose paths are absolute; replaces its outputs. Resolves to its report, plain JSON. */
export type RunPlanJob = (plan: MergePlan, attempt: JobAttempt) => Promise<object>;

/**
 * Makes the handler of a worker from what runs a plan. A result that is there already is not made again: results are
 * named by content, so a job that runs twice does no harm. A report is written last, as a whole.
 *
 * @example
 * await queue.work(planHandler(runJob), { signal });
 */
export function planHandler(run: RunPlanJob): JobHandler {
  return async (attempt) => {
    const { plan, report } = checkPayload(attempt.payload);
    const before = await readReport(report);
    if (before !== undefined) return before;
    await mkdir(dirname(report), { recursive: true });
    const made = await run(plan, attempt);
    await writeReport(report, made);
    return made;
  };
}

function checkPayload(payload: object): PlanPayload {
  const { format, plan, report, digest } = payload as Partial<PlanPayload>;
  if (format !== "rebasin-job/1" || typeof report !== "string" || typeof digest !== "string")
    throw new FormatError(`the job has format ${JSON.stringify(format)}, expected "rebasin-job/1" of this version`);
  return { format, plan: checkPlan(plan, { name: "the job's plan" }), report, digest };
}

async function readReport(path: string): Promise<object | undefined> {
  const text = await readFile(path, "utf8").catch((error) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  return text === undefined ? undefined : (JSON.parse(text) as object);
}

async function writeReport(path: string, report: object): Promise<void> {
  const part = newTemporary(dirname(path));
  try {
    await writeFile(part, JSON.stringify(report), { flag: "wx", flush: true });
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
    releaseTemporary(part);
  }
}
