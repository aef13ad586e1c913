/** A worker on a queue of BullMQ. Handlers compute in threads, so that this one can renew locks. */

import type { Job } from "bullmq";
import { isFinal, type JobHandler, MAX_STARTS, reasonOf, type WorkerEvent, type WorkOptions } from "../job-queue.ts";
import { throttled } from "../throttled.ts";
import { sleep } from "../wait-for-job.ts";
import { connectRedis, loadBullMq, type RedisPlace } from "./connect-redis.ts";

interface RedisWorkOptions extends WorkOptions {
  readonly staleMs: number;
  isCancelled(id: string): Promise<boolean>;
}

/** How often a running job looks whether it is cancelled. */
const LOOK_MS = 1000;
/** Looks at an empty queue, one after another, before `untilEmpty` believes it: jobs are between states for moments. */
const EMPTY_LOOKS = 3;
/** Characters of a reason in a job's log. */
const MOST_LOGGED = 1000;

export async function workOnRedis(place: RedisPlace, handler: JobHandler, options: RedisWorkOptions): Promise<void> {
  const { concurrency = 1, staleMs, signal } = options;
  const bullmq = await loadBullMq();
  const connection = await connectRedis(place);
  const base = { connection, prefix: place.prefix };
  const run = (job: Job, token?: string): Promise<unknown> => runJob(job, token!, { bullmq, handler, options });
  const worker = new bullmq.Worker(place.queue, run, {
    ...{ ...base, concurrency, autorun: false },
    ...{ lockDuration: staleMs, stalledInterval: staleMs / 2, maxStalledCount: MAX_STARTS },
  });
  worker.on("error", (error) => options.onEvent?.({ kind: "trouble", reason: reasonOf(error) }));
  const queue = new bullmq.Queue(place.queue, base);
  queue.on("error", () => {});
  const running = worker.run();
  await (options.untilEmpty ? untilEmpty(() => queue.getJobCountByTypes(...OPEN), signal) : untilAborted(signal));
  await worker.close();
  await running.catch(() => {});
  await queue.close();
  connection.disconnect();
}

interface Bench {
  readonly bullmq: typeof import("bullmq");
  readonly handler: JobHandler;
  readonly options: RedisWorkOptions;
}

async function runJob(job: Job, token: string, { bullmq, handler, options }: Bench): Promise<unknown> {
  const { id = "", name } = job;
  const tell = (kind: WorkerEvent["kind"], reason?: string): void => options.onEvent?.({ kind, id, name, reason });
  const stop = new AbortController();
  const look = async (): Promise<void> => {
    if (await options.isCancelled(id)) stop.abort(new DOMException("cancelled", "AbortError"));
  };
  await look();
  const timer = setInterval(() => void look().catch(() => {}), LOOK_MS);
  try {
    stop.signal.throwIfAborted();
    tell("started");
    const result = await handler({
      ...{ id, name, payload: job.data, attempt: job.attemptsStarted },
      signal: AbortSignal.any([stop.signal, options.signal]),
      onProgress: throttled((progress) => void job.updateProgress(progress as object).catch(() => {})),
    });
    tell("done");
    return result;
  } catch (error) {
    if (stop.signal.aborted) {
      tell("cancelled");
      throw new bullmq.UnrecoverableError("cancelled");
    }
    if (options.signal.aborted) {
      await job.moveToWait(token);
      tell("returned");
      throw new bullmq.WaitingError();
    }
    throw await faultOf(job, error, tell, bullmq);
  } finally {
    clearInterval(timer);
  }
}

/** How BullMQ learns of a failed attempt: whether another one is worth it. */
async function faultOf(
  job: Job,
  error: unknown,
  tell: (kind: WorkerEvent["kind"], reason: string) => void,
  { UnrecoverableError }: Bench["bullmq"],
): Promise<unknown> {
  const reason = reasonOf(error);
  await job.log(`attempt ${job.attemptsStarted}: ${reason}`.slice(0, MOST_LOGGED)).catch(() => {});
  const isLast = isFinal(error) || job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
  tell(isLast ? "failed" : "retried", reason);
  return isFinal(error) ? new UnrecoverableError(reason) : error;
}

const OPEN = ["active", "waiting", "delayed", "waiting-children", "prioritized"] as const;

async function untilEmpty(count: () => Promise<number>, signal: AbortSignal): Promise<void> {
  for (let looks = 0; looks < EMPTY_LOOKS && !signal.aborted; ) {
    looks = (await count()) === 0 ? looks + 1 : 0;
    await sleep(100, signal);
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
