/** A worker on a queue of BullMQ. Handlers compute in threads, so that this one can renew locks. */

import type { Job, Worker } from "bullmq";
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

export async function workOnRedis(place: RedisPlace, handler: JobHandler, options: RedisWorkOptions): Promise<void> {
  const { concurrency = 1, staleMs, signal } = options;
  const { Worker: Class, UnrecoverableError, WaitingError, Queue } = await loadBullMq();
  const connection = await connectRedis(place);
  const worker: Worker = new Class(place.queue, (job: Job, token) => run(job, token!), {
    ...{ connection, prefix: place.prefix, concurrency, autorun: false },
    ...{ lockDuration: staleMs, stalledInterval: staleMs / 2, maxStalledCount: MAX_STARTS },
  });
  worker.on("error", (error) => options.onEvent?.({ kind: "trouble", reason: reasonOf(error) }));

  async function run(job: Job, token: string): Promise<unknown> {
    const { id = "", name } = job;
    const tell = (kind: WorkerEvent["kind"], reason?: string): void => options.onEvent?.({ kind, id, name, reason });
    if (await options.isCancelled(id)) {
      tell("cancelled");
      throw new UnrecoverableError("cancelled");
    }
    const stop = new AbortController();
    const timer = setInterval(() => void look().catch(() => {}), LOOK_MS);
    const look = async (): Promise<void> => {
      if (await options.isCancelled(id)) stop.abort(new DOMException("cancelled", "AbortError"));
    };
    tell("started");
    try {
      const result = await handler({
        ...{ id, name, payload: job.data, attempt: job.attemptsStarted },
        signal: AbortSignal.any([stop.signal, signal]),
        onProgress: throttled((progress) => void job.updateProgress(progress as object).catch(() => {})),
      });
      tell("done");
      return result;
    } catch (error) {
      const reason = reasonOf(error);
      if (stop.signal.aborted) {
        tell("cancelled");
        throw new UnrecoverableError("cancelled");
      }
      if (signal.aborted) {
        await job.moveToWait(token);
        tell("returned");
        throw new WaitingError();
      }
      await job.log(`attempt ${job.attemptsStarted}: ${reason}`.slice(0, 1000)).catch(() => {});
      const isLast = isFinal(error) || job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
      tell(isLast ? "failed" : "retried", reason);
      throw isFinal(error) ? new UnrecoverableError(reason) : error;
    } finally {
      clearInterval(timer);
    }
  }

  const running = worker.run();
  const queue = new Queue(place.queue, { connection, prefix: place.prefix });
  queue.on("error", () => {});
  await (options.untilEmpty ? untilEmpty(() => queue.getJobCountByTypes(...OPEN), signal) : untilAborted(signal));
  await worker.close();
  await running.catch(() => {});
  await queue.close();
  connection.disconnect();
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
