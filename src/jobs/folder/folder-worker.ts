/** A worker on a folder's queue: claims jobs, renews its claims, takes over those of workers that died. */

import { hostname } from "node:os";
import {
  isFinal,
  type JobAttempt,
  type JobHandler,
  MAX_ATTEMPTS,
  MAX_STARTS,
  newJobId,
  RETRY_MS,
  reasonOf,
  type WorkerEvent,
  type WorkOptions,
} from "../job-queue.ts";
import { throttled } from "../throttled.ts";
import { sleep } from "../wait-for-job.ts";
import { endJob } from "./end-job.ts";
import type { ClaimFile, EndFile, FolderFiles, JobFile, TriesFile } from "./folder-files.ts";

export interface FolderWorkOptions extends WorkOptions {
  readonly staleMs: number;
}

/** How long it waits for new jobs when there are none: each look reads a folder. */
const [LOOK_MS, LOOK_OFTEN_MS, LOOK_RARELY_MS] = [50, 150, 2000];

/** What one worker knows. */
interface Bench {
  readonly files: FolderFiles;
  readonly handler: JobHandler;
  readonly options: FolderWorkOptions;
  /** Claims as this process saw them first: clocks of machines differ, so only changes count. */
  readonly seen: Map<string, { touched: number; at: number }>;
  readonly running: Set<string>;
  /** Whether the last look at the folder saw jobs that this worker does not run. */
  hasBlocked: boolean;
  /** Jobs of the last look at the folder that were not tried yet, the next one last. */
  readonly backlog: { readonly id: string; readonly isClaimed: boolean }[];
}

export async function workOnFolder(files: FolderFiles, handler: JobHandler, options: FolderWorkOptions): Promise<void> {
  const bench: Bench = { files, handler, options, seen: new Map(), running: new Set(), hasBlocked: false, backlog: [] };
  const { signal, concurrency = 1 } = options;
  const attempts = new Set<Promise<void>>();
  let pause = LOOK_MS;
  while (!signal.aborted) {
    const room = concurrency - attempts.size;
    const jobs = room > 0 ? await orTrouble(bench, () => claimJobs(bench, room), []) : [];
    for (const { job, claim } of jobs) {
      const attempt = runJob(bench, job, claim).finally(() => attempts.delete(attempt));
      attempts.add(attempt);
    }
    if (jobs.length > 0) pause = LOOK_MS;
    else if (attempts.size === 0 && options.untilEmpty && (await files.ids("jobs")).length === 0) return;
    // Jobs that wait for others can start at any moment.
    else pause = Math.min(pause * 1.5, bench.hasBlocked ? LOOK_OFTEN_MS : LOOK_RARELY_MS);
    // An attempt that ends makes room at once.
    const nap = new AbortController();
    const stop = (): void => nap.abort();
    signal.addEventListener("abort", stop);
    await Promise.race([sleep(pause, nap.signal), ...attempts]);
    signal.removeEventListener("abort", stop);
    nap.abort();
  }
  await Promise.all(attempts);
}

/** Faults of the folder itself (a full disk, a network) are reported and do not end the worker. */
async function orTrouble<T>({ options }: Bench, run: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await run();
  } catch (error) {
    options.onEvent?.({ kind: "trouble", reason: reasonOf(error) });
    return otherwise;
  }
}

interface Claimed {
  readonly job: JobFile;
  readonly claim: ClaimFile;
}

/** At most `room` jobs that can start now. Reads the folder only when all that it held at the last look were tried. */
async function claimJobs(bench: Bench, room: number): Promise<Claimed[]> {
  const { files, backlog, running, options } = bench;
  const claimed: Claimed[] = [];
  if (backlog.length === 0) {
    const claims = new Set(await files.ids("claims"));
    for (const id of await files.ids("jobs")) {
      if (!running.has(id)) backlog.push({ id, isClaimed: claims.has(id) });
    }
    bench.hasBlocked = backlog.length > 0;
    // From the oldest on, taken from the end.
    backlog.reverse();
  }
  while (claimed.length < room && backlog.length > 0 && !options.signal.aborted) {
    const { id, isClaimed } = backlog.pop()!;
    if (isClaimed && !(await isStale(bench, id))) continue;
    const got = await claimJob(bench, id, isClaimed);
    if (got !== undefined) claimed.push(got);
  }
  return claimed;
}

/** True when this process has seen a claim unchanged for too long. */
async function isStale({ files, seen, options }: Bench, id: string): Promise<boolean> {
  const touched = await files.touched("claims", id);
  if (touched === undefined) return false;
  const before = seen.get(id);
  if (before === undefined || before.touched !== touched) {
    seen.set(id, { touched, at: performance.now() });
    return false;
  }
  return performance.now() - before.at >= options.staleMs;
}

async function claimJob(bench: Bench, id: string, takesOver: boolean): Promise<Claimed | undefined> {
  const { files } = bench;
  const job = await files.read<JobFile>("jobs", id);
  if (job === undefined || !(await isReady(bench, job))) return undefined;
  if (takesOver && !(await takeOver(bench, job))) return undefined;
  const tries = await files.read<TriesFile>("tries", id);
  if (tries !== undefined && tries.notBefore > Date.now()) return undefined;
  const attempt = (tries?.attempts ?? 0) + 1;
  const claim: ClaimFile = { token: newJobId(), worker: `${hostname()} ${process.pid}`, attempt };
  if (!(await files.create("claims", id, claim))) return undefined;
  bench.seen.delete(id);
  // It may have ended between the first look and the claim.
  if (await files.has("jobs", id)) return { job, claim };
  await files.remove("claims", id);
  return undefined;
}

/** Children are done; where one is not and never will be, the job ends too. */
async function isReady({ files, options }: Bench, job: JobFile): Promise<boolean> {
  for (const child of job.after) {
    const end = await files.read<EndFile>("ends", child);
    if (end === undefined) return false;
    if (end.state === "done") continue;
    const reason = `${child} (${end.name}), which it needs, ${end.state === "failed" ? `failed: ${end.reason}` : "was cancelled"}`;
    await endJob(files, job, { state: end.state, attempts: 0, reason });
    options.onEvent?.({ kind: end.state, id: job.id, name: job.name, reason });
    return false;
  }
  return true;
}

/**
 * Takes the claim of a worker that died out of the way; resolves to false where that was another's to do, or the
 * job ended.
 */
async function takeOver({ files, options }: Bench, job: JobFile): Promise<boolean> {
  const claim = await files.read<ClaimFile>("claims", job.id);
  if (claim === undefined || !(await files.take("claims", job.id))) return false;
  const before = await files.read<TriesFile>("tries", job.id);
  const reason = `worker ${claim.worker} gave no sign for ${options.staleMs / 1000} s`;
  if (claim.attempt >= MAX_STARTS) {
    const end = { state: "failed", attempts: claim.attempt, reason: `${reason}; ${claim.attempt} starts` } as const;
    await endJob(files, job, end);
    options.onEvent?.({ kind: "failed", id: job.id, name: job.name, reason: end.reason });
    return false;
  }
  const tries: TriesFile = { attempts: claim.attempt, faults: before?.faults ?? 0, reason, notBefore: 0 };
  await files.put("tries", job.id, tries);
  return true;
}

async function runJob(bench: Bench, job: JobFile, claim: ClaimFile): Promise<void> {
  const { files, handler, options, running } = bench;
  const { id, name, payload } = job;
  const tell = (kind: WorkerEvent["kind"], reason?: string): void => options.onEvent?.({ kind, id, name, reason });
  const stop = new AbortController();
  running.add(id);
  tell("started");
  const stopWatching = watchClaim(bench, id, claim, stop);
  const attempt: JobAttempt = {
    ...{ id, name, payload, attempt: claim.attempt },
    signal: AbortSignal.any([stop.signal, options.signal]),
    onProgress: throttled((progress) => void files.put("progress", id, progress as object).catch(() => {})),
  };
  try {
    const result = await handler(attempt);
    if (await isOurs(files, id, claim)) await endJob(files, job, { state: "done", attempts: claim.attempt, result });
    tell("done");
  } catch (error) {
    await orTrouble(bench, () => afterFault(bench, job, claim, error), undefined);
  } finally {
    stopWatching();
    running.delete(id);
    // Last, so that nobody starts it while its end is being written.
    await orTrouble(
      bench,
      async () => ((await isOurs(files, id, claim)) ? files.remove("claims", id) : undefined),
      undefined,
    );
  }
}

const isOurs = async (files: FolderFiles, id: string, { token }: ClaimFile): Promise<boolean> =>
  (await files.read<ClaimFile>("claims", id))?.token === token;

/** Renews a claim; stops the attempt where it is cancelled, or the claim is another's by now. */
function watchClaim({ files, options }: Bench, id: string, claim: ClaimFile, stop: AbortController): () => void {
  const look = async (): Promise<void> => {
    if (!(await isOurs(files, id, claim))) stop.abort(new Error("another worker has taken over"));
    else if (await files.has("cancels", id)) stop.abort(new DOMException("cancelled", "AbortError"));
    else await files.touch("claims", id);
  };
  const timer = setInterval(() => void look().catch(() => {}), Math.min(options.staleMs / 5, 1000));
  return () => clearInterval(timer);
}

async function afterFault(bench: Bench, job: JobFile, claim: ClaimFile, error: unknown): Promise<void> {
  const { files, options } = bench;
  const { id, name } = job;
  const [reason, attempts] = [reasonOf(error), claim.attempt];
  const tell = (kind: WorkerEvent["kind"]): void => options.onEvent?.({ kind, id, name, reason });
  if (!(await isOurs(files, id, claim))) return tell("returned");
  if (await files.has("cancels", id)) {
    await endJob(files, job, { state: "cancelled", attempts });
    return tell("cancelled");
  }
  const before = await files.read<TriesFile>("tries", id);
  const faults = (before?.faults ?? 0) + (options.signal.aborted ? 0 : 1);
  if (!options.signal.aborted && (isFinal(error) || faults >= MAX_ATTEMPTS)) {
    await endJob(files, job, { state: "failed", attempts, reason });
    return tell("failed");
  }
  const notBefore = options.signal.aborted ? 0 : Date.now() + RETRY_MS * 2 ** (faults - 1);
  // Stopping a worker is no attempt of the job's.
  const tries: TriesFile = { attempts: options.signal.aborted ? attempts - 1 : attempts, faults, reason, notBefore };
  await files.put("tries", id, tries);
  tell(options.signal.aborted ? "returned" : "retried");
}
