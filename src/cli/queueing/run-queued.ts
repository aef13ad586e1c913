/** Plans handed to a queue instead of being run: submitted, waited for, and reported as a local run reports them. */

import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { visible } from "../../base/visible.ts";
import { collectResult } from "../../jobs/collect-result.ts";
import type { JobQueue, JobStatus } from "../../jobs/job-queue.ts";
import { openQueue } from "../../jobs/open-queue.ts";
import { type PlanJob, planJob } from "../../jobs/plan-job.ts";
import { waitForJob } from "../../jobs/wait-for-job.ts";
import { planFiles } from "../../node/plan-files.ts";
import type { MergePlan } from "../../plan/merge-plan.ts";
import type { RecipeStep } from "../../plan/recipe/recipe.ts";
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

export type QueueContext = Pick<CommandContext, "signal" | "onProgress" | "say"> & {
  readonly options: QueueingValues & { readonly force: boolean };
};

/** One document of a recipe as a job. */
export interface QueuedStep {
  readonly name: string | undefined;
  readonly plan: MergePlan;
  readonly job: PlanJob;
}

/** A job by the name of what it makes. */
export interface QueuedJob {
  readonly name: string;
  readonly id: string;
}

/** What a recipe's documents are called in reports. */
const HEAD_OF_LAST = "the last document";

/** Runs a plan on the queue of the options. Ctrl-C stops the waiting; the job itself continues. */
export async function runQueued({ plan, folder }: QueuedPlan, context: QueueContext): Promise<CommandResult> {
  return runQueuedSteps([{ name: undefined, plan }], folder, context);
}

/** Runs the documents of a recipe on the queue: each is a job, and what others read is their child. */
export async function runQueuedSteps(
  steps: readonly Pick<RecipeStep, "name" | "plan">[],
  folder: string | undefined,
  context: QueueContext,
): Promise<CommandResult> {
  const { options, signal } = context;
  // Before any work: outputs that could not be written at its end.
  const { prepare } = await planFiles({ folder, force: options.force, signal });
  for (const { plan } of steps) if (outputOf(plan) !== undefined) await prepare?.(plan);
  const queued = await jobsOf(steps, folder, { results: resultsOf(options), signal });
  const queue = await openQueue(options.queue!);
  try {
    const jobs = await submitAndWait(queue, queued, context);
    for (const [i, { job }] of queued.entries()) {
      if (outputOf(steps[i]!.plan) !== undefined)
        await collectResult(steps[i]!.plan, job, { folder, force: options.force, signal });
    }
    const { json, ...report } = await reportOf(queued);
    return { ...report, json: { ...(json as object), jobs } };
  } finally {
    await queue.close();
  }
}

const outputOf = ({ output = {} }: MergePlan): string | undefined => output.path ?? output.permutations;

/** Each document as a job, in the order given; what a document reads is made by one before it. */
export async function jobsOf(
  steps: readonly Pick<RecipeStep, "name" | "plan">[],
  folder: string | undefined,
  where: { readonly results: string; readonly signal: AbortSignal },
): Promise<QueuedStep[]> {
  const made = new Map<string, PlanJob>();
  const queued: QueuedStep[] = [];
  for (const step of steps) {
    checkPaths(step.plan);
    // What only other documents read is a file of the results folder alone.
    const kept = { ...step.plan, output: { ...step.plan.output, path: `${step.name}.safetensors` } };
    const plan = outputOf(step.plan) === undefined ? kept : step.plan;
    const job = await planJob(plan, { ...where, folder, made, name: step.name });
    if (step.name !== undefined) made.set(resolve(folder ?? ".", step.name), job);
    queued.push({ name: step.name, plan, job: outputOf(step.plan) === undefined ? withOwnPath(job) : job });
  }
  return queued;
}

/** Reports of such a job name the file of the results folder: the plan has no other. */
function withOwnPath(job: PlanJob): PlanJob {
  const own = job.payload.plan.output?.path;
  return { ...job, words: new Map([...job.words].filter(([path]) => path !== own)) };
}

/** Submits what no other job has as its child, and waits for all of it. */
export async function submitAndWait(
  queue: JobQueue,
  queued: readonly QueuedStep[],
  { signal, onProgress, say }: QueueContext,
): Promise<QueuedJob[]> {
  const children = new Set(queued.flatMap(({ job }) => job.job.children ?? []));
  const roots = queued.map(({ job }) => job.job).filter((job) => !children.has(job));
  const jobs: QueuedJob[] = [];
  const ids = await queue.submit(roots, ({ name }, id) => jobs.push({ name, id }));
  const widest = Math.max(...jobs.map(({ id }) => id.length));
  for (const { name, id } of jobs) say(`queued     ${id.padEnd(widest)}  ${visible(name)}`);
  const stays = (): void => say(`continues  ${ids.join(" ")} (rebasin jobs cancel ID --queue QUEUE stops it)`);
  signal.addEventListener("abort", stays, { once: true });
  const onStatus = ({ progress }: JobStatus): void => {
    if (progress !== undefined) onProgress(progress as Parameters<typeof onProgress>[0]);
  };
  for (const id of ids) await waitForJob(queue, id, { signal, onStatus });
  return jobs;
}

/** One document reports what its command does, several each under its name. */
async function reportOf(queued: readonly QueuedStep[]): Promise<CommandResult> {
  const reports: { name: string | undefined; result: CommandResult }[] = [];
  for (const { name, job } of queued) {
    const report = JSON.parse(await readFile(job.payload.report, "utf8")) as RunReport;
    reports.push({ name, result: asLocal(report, job) });
  }
  if (reports.length === 1) return reports[0]!.result;
  const documents = reports.map(({ name, result }) => ({ name, ...(result.json as object) }));
  const texts = reports.map(({ name, result }) => `${visible(name ?? HEAD_OF_LAST)}:\n${result.text}`);
  return { json: { documents }, text: texts.join("\n\n") };
}

/** Where results are kept: beside a queue's folder, or in the folder of the option. */
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
  // A name in a column keeps the column's width.
  const inColumns = (line: string): string =>
    pairs.reduce((said, [path, word]) => said.replaceAll(`${path}  `, `${word.padEnd(path.length)}  `), line);
  const inside = (value: unknown): unknown => {
    if (typeof value === "string") return spoken(value);
    if (Array.isArray(value)) return value.map(inside);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, inside(own)]));
  };
  return { json: inside(json), text: spoken(inColumns(text)) };
}
