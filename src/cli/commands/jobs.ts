/** `rebasin jobs list|wait|cancel [ID ...] --queue ADDRESS` */

import { stat } from "node:fs/promises";
import type { JobQueue, JobStatus } from "../../jobs/job-queue.ts";
import { openQueue } from "../../jobs/open-queue.ts";
import { waitForJob } from "../../jobs/wait-for-job.ts";
import { textTable } from "../../report/text-table.ts";
import type { Command, CommandContext, CommandResult } from "../command.ts";
import { counted } from "../counted.ts";
import { UsageError } from "../option.ts";
import { QUEUE_OPTION } from "../queueing/options.ts";

interface JobsValues {
  readonly queue: string;
}

const ACTIONS = ["list", "wait", "cancel"] as const;

/** Jobs that the table of `list` has at most; `--json` has all. */
const SHOWN = 50;

export const jobs: Command<JobsValues> = {
  positionals: ["ACTION"],
  further: "ID",
  options: { queue: QUEUE_OPTION },
  examples: [
    "rebasin jobs list --queue redis://localhost:6379",
    "rebasin jobs wait 0mh2k9q1x-00000-5f3a9c1e --queue /shared/queue",
    "rebasin jobs cancel 0mh2k9q1x-00000-5f3a9c1e --queue /shared/queue",
  ],
  async run(context) {
    const [action, ...ids] = context.positionals as [string, ...string[]];
    if (!ACTIONS.some((known) => known === action))
      throw new UsageError(`jobs ${action}, expected one of ${ACTIONS.join(", ")}`);
    if (action !== "list" && ids.length === 0) throw new UsageError(`jobs ${action} has no ID, expected one or more`);
    await checkIsThere(context.options.queue);
    const queue = await openQueue(context.options.queue);
    try {
      if (action === "list") return await listJobs(queue, ids);
      return action === "wait" ? await waitForJobs(queue, ids, context) : await cancelJobs(queue, ids);
    } finally {
      await queue.close();
    }
  },
};

/** Opening makes a folder into a queue. A mistyped path would become an empty one. */
async function checkIsThere(address: string): Promise<void> {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(address)) return;
  const isFolder = await stat(address).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
  if (!isFolder)
    throw new RangeError(`${address}: no such folder, expected that of a queue: rebasin worker --queue makes it`);
}

async function listJobs(queue: JobQueue, ids: readonly string[]): Promise<CommandResult> {
  const all = await queue.list();
  const chosen = ids.length === 0 ? all : all.filter(({ id }) => ids.includes(id));
  const rows = chosen
    .slice(0, SHOWN)
    .map(({ id, state, attempts, name, reason }) => [
      ...[id, state, String(attempts), name],
      state === "done" ? "" : (reason ?? ""),
    ]);
  const more = chosen.length > SHOWN ? [`and ${chosen.length - SHOWN} more`] : [];
  const text = [textTable(["id", "state", "starts", "name", "reason"], rows), ...more];
  return { json: { jobs: chosen }, text: chosen.length === 0 ? "no jobs" : text.join("\n") };
}

async function waitForJobs(
  queue: JobQueue,
  ids: readonly string[],
  { signal, say }: Pick<CommandContext, "signal" | "say">,
): Promise<CommandResult> {
  const ends: JobStatus[] = [];
  for (const id of ids) {
    const onStatus = ({ state, name }: JobStatus): void => say(`${state.padEnd(9)} ${id} ${name}`);
    ends.push(await waitForJob(queue, id, { signal, onStatus }));
  }
  return { json: { jobs: ends }, text: `${counted(ends.length, "job")} done` };
}

async function cancelJobs(queue: JobQueue, ids: readonly string[]): Promise<CommandResult> {
  const over: string[] = [];
  for (const id of ids) if (!(await queue.cancel(id))) over.push(id);
  if (over.length > 0)
    throw new RangeError(`${over.join(", ")} cannot be cancelled, expected ids of jobs that are not over`);
  return { json: { cancelled: ids }, text: `cancelled  ${ids.join(" ")}` };
}
