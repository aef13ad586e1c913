/**
 * A queue in a folder that every machine sees: no server, so it fits a laptop, a network file system and batch systems.
 * A claim is a file that only one process can make; its time is renewed while its worker lives, and a claim that is not
 * renewed is taken over.
 */

import { type JobQueue, type JobStatus, type NewJob, newJobId } from "../job-queue.ts";
import { endJob } from "./end-job.ts";
import { type EndFile, type FolderFiles, type JobFile, openFolderFiles } from "./folder-files.ts";
import { workOnFolder } from "./folder-worker.ts";

/** Options of `openFolderQueue`. */
export interface FolderQueueOptions {
  /** A claim that is not renewed for so long is taken over. Default 30,000 ms. */
  readonly staleMs?: number | undefined;
}

/** Folders are looked at by turns, never watched: network file systems do not report changes of other machines. */
const STALE_MS = 30_000;

/**
 * Opens the queue in a folder, and makes the folder if it is not there.
 *
 * @example
 * const queue = await openFolderQueue("/shared/queue");
 * const [id] = await queue.submit([{ name: "merge", payload: { plan } }]);
 */
export async function openFolderQueue(
  root: string,
  { staleMs = STALE_MS }: FolderQueueOptions = {},
): Promise<JobQueue> {
  const files = await openFolderFiles(root);
  return {
    async submit(jobs, onJob) {
      const made = new Map<NewJob, string>();
      const ids: string[] = [];
      for (const job of jobs) ids.push(await submitOne(files, job, made));
      for (const [job, id] of made) onJob?.(job, id);
      return ids;
    },
    status: (id) => statusOf(files, id),
    async list() {
      const [ends, waiting] = [await files.ids("ends"), await files.ids("jobs")];
      const all = await Promise.all([...new Set([...waiting, ...ends])].map((id) => statusOf(files, id)));
      return all.filter((status) => status !== undefined).sort(byState);
    },
    cancel: (id) => cancelJob(files, id),
    work: (handler, options) => workOnFolder(files, handler, { ...options, staleMs }),
    async close() {},
  };
}

/** Children first: a job whose children are not there yet would look ready. A child of several jobs is one job. */
async function submitOne(files: FolderFiles, job: NewJob, made: Map<NewJob, string>): Promise<string> {
  const known = made.get(job);
  if (known !== undefined) return known;
  const { name, payload, children = [] } = job;
  const after: string[] = [];
  for (const child of children) after.push(await submitOne(files, child, made));
  const id = newJobId();
  made.set(job, id);
  const file: JobFile = { id, name, payload, after };
  await files.put("jobs", id, file);
  return id;
}

async function statusOf(files: FolderFiles, id: string): Promise<JobStatus | undefined> {
  const end = await files.read<EndFile>("ends", id);
  if (end !== undefined) return end;
  const job = await files.read<JobFile>("jobs", id);
  // It may have ended in between.
  if (job === undefined) return files.read<EndFile>("ends", id);
  const { name, after } = job;
  const tries = await files.read<{ attempts: number; reason: string }>("tries", id);
  const claim = await files.read<{ attempt: number }>("claims", id);
  if (claim !== undefined) {
    const progress = await files.read("progress", id);
    return { id, name, state: "running", attempts: claim.attempt, progress, reason: tries?.reason };
  }
  const { attempts = 0, reason } = tries ?? {};
  for (const child of after) {
    if (!(await files.has("ends", child))) return { id, name, state: "blocked", attempts, reason };
  }
  return { id, name, state: "waiting", attempts, reason };
}

const ORDER = ["running", "waiting", "blocked", "failed", "cancelled", "done"];
function byState(a: JobStatus, b: JobStatus): number {
  return ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || (a.id < b.id ? -1 : 1);
}

/** One that runs is stopped by its worker, which looks for the file. */
async function cancelJob(files: FolderFiles, id: string): Promise<boolean> {
  const job = await files.read<JobFile>("jobs", id);
  if (job === undefined || (await files.has("ends", id))) return false;
  await files.create("cancels", id, {});
  for (const child of job.after) await cancelJob(files, child);
  if (!(await files.has("claims", id))) await endJob(files, job, { state: "cancelled", attempts: 0 });
  return true;
}
