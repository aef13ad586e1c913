/** The files that a job made, copied from the results folder to where its plan puts them. */

import { createReadStream } from "node:fs";
import { mkdir, readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileSink } from "../node/file-sink.ts";
import type { MergePlan } from "../plan/merge-plan.ts";
import { endingOf } from "../plan/plan-paths.ts";
import type { PlanJob } from "./plan-job.ts";

/** Options of `collectResult`. */
export interface CollectOptions {
  /** Paths of the plan are relative to it. Default: the working directory. */
  readonly folder?: string | undefined;
  /** Replace existing files. Default false. */
  readonly force?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Copies what a job made to the outputs of the plan that the job was made of: the same files as a local run writes,
 * with the same bytes. The results folder keeps its own. Resolves to the paths written.
 *
 * @throws {RangeError} where a file cannot be written, and where one exists already (unless `force`).
 *
 * @example
 * await waitForJob(queue, id);
 * await collectResult(plan, job);
 */
export async function collectResult(
  plan: MergePlan,
  { payload }: Pick<PlanJob, "payload">,
  options: CollectOptions = {},
): Promise<string[]> {
  const made = payload.plan.output ?? {};
  const given = plan.output ?? {};
  const written: string[] = [];
  const place = (path: string): string => resolve(options.folder ?? ".", path);
  if (made.permutations !== undefined)
    written.push(...(await copyAll(made.permutations, place(given.permutations!), options)));
  if (made.path === undefined) return written;
  written.push(...(await copyAll(made.path, place(given.path!), options)));
  // Side files, such as what a format has no room for, have the name of the output with an ending of their own.
  const [results, stem] = [dirname(made.path), payload.digest];
  const own = [made.path, made.permutations, payload.report].map((path) => path && basename(path));
  for (const name of (await readdir(results)).sort()) {
    if (!name.startsWith(stem) || own.includes(name)) continue;
    const whole = place(given.path!);
    const output = whole.slice(0, whole.length - endingOf(whole).length);
    written.push(...(await copyAll(join(results, name), output + name.slice(stem.length), options)));
  }
  return written;
}

/** A file, or a folder of files. */
async function copyAll(from: string, to: string, options: CollectOptions): Promise<string[]> {
  if (!(await stat(from)).isDirectory()) {
    await copyFile(from, to, options);
    return [to];
  }
  await mkdir(to, { recursive: true });
  const written: string[] = [];
  for (const name of (await readdir(from)).sort())
    written.push(...(await copyAll(join(from, name), join(to, name), options)));
  return written;
}

const PART_BYTES = 2 ** 22;

async function copyFile(from: string, to: string, { force, signal }: CollectOptions): Promise<void> {
  const sink = await fileSink(to, { force, inputs: [from] });
  try {
    for await (const part of createReadStream(from, { highWaterMark: PART_BYTES })) {
      signal?.throwIfAborted();
      await sink.write(part as Uint8Array);
    }
    await sink.close();
  } finally {
    await sink.abort();
  }
}
