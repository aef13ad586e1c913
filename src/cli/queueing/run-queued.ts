/** Plans handed to a queue instead of being run: submitted, waited for, and reported as a local run reports them. */

import { join } from "node:path";
import { collectResult } from "../../jobs/collect-result.ts";
import { openQueue } from "../../jobs/open-queue.ts";
import { type PlanJob, planJob } from "../../jobs/plan-job.ts";
import { waitForJob } from "../../jobs/wait-for-job.ts";
import type { MergePlan } from "../../plan/merge-plan.ts";
import type { CommandContext, CommandResult } from "../command.ts";
import { DASH } from "../dash.ts";
import { UsageError } from "../option.ts";
import type { RunReport } from "./job-thread.ts";
import type { QueueingValues } from "./options.ts";

/** A plan, and the folder that its paths are relative to. */
export interface QueuedPlan {
  readonly plan: MergePlan;
  readonly folder?: string | undefined;
}

type QueueContext = Pick<CommandContext, "signal" | "onProgress" | "say"> & {
  readonly options: QueueingValues & { readonly force: boolean };
};

/** Runs one plan on the queue of the options. Ctrl-C stops the waiting; the job itself continues. */
export async function runQueued({ plan, folder }: QueuedPlan, context: QueueContext): Promise<CommandResult> {
  const { options, signal, onProgress, say } = context;
  checkPaths(plan);
  const job = await planJob(plan, { results: resultsOf(options), folder, signal });
  const queue = await openQueue(options.queue!);
  try {
    const [id = ""] = await queue.submit([job.job]);
    say(`queued     ${id}`);
    signal.addEventListener("abort", () => say(`continues  ${id} (rebasin jobs cancel ${id} --queue QUEUE stops it)`));
    const onStatus = ({ progress }: { progress?: unknown }): void => {
      if (progress !== undefined) onProgress(progress as Parameters<typeof onProgress>[0]);
    };
    const { result } = await waitForJob(queue, id, { signal, onStatus });
    await collectResult(plan, job, { folder, force: options.force, signal });
    return asLocal(result as RunReport, job);
  } finally {
    await queue.close();
  }
}

/** Where results are kept: beside a queue's folder, or where the option says. */
export function resultsOf({ queue, results }: QueueingValues): string {
  if (results !== undefined) return results;
  if (/^rediss?:/.test(queue!))
    throw new UsageError(`--queue ${queue} has no --results, expected a folder that every machine sees`);
  return join(queue!, "results");
}

function checkPaths({ models, output }: MergePlan): void {
  const paths = [...models.map(({ path }) => path), output?.path, output?.permutations];
  if (paths.includes(DASH)) throw new UsageError("--queue works on files, expected no - for stdin or stdout");
}

/** The report in the words of the given plan, which has other paths than the job. */
export function asLocal({ json, text }: RunReport, { words }: Pick<PlanJob, "words">): CommandResult {
  // Longer paths first: one may begin with another.
  const pairs = [...words].sort(([a], [b]) => b.length - a.length);
  const spoken = (line: string): string => pairs.reduce((said, [path, word]) => said.replaceAll(path, word), line);
  const inside = (value: unknown): unknown => {
    if (typeof value === "string") return spoken(value);
    if (Array.isArray(value)) return value.map(inside);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, inside(own)]));
  };
  return { json: inside(json), text: spoken(text) };
}
