/** A queue on Redis, by BullMQ (optional peers `bullmq` and `ioredis`). */

import type { FlowJob, Job, JobsOptions } from "bullmq";
import {
  type JobQueue,
  type JobState,
  type JobStatus,
  MAX_ATTEMPTS,
  type NewJob,
  newJobId,
  RETRY_MS,
} from "../job-queue.ts";
import { connectRedis, loadBullMq, type RedisPlace, redisPlace } from "./connect-redis.ts";
import { workOnRedis } from "./redis-worker.ts";

/** Options of `openRedisQueue`. */
export interface RedisQueueOptions {
  /** A job whose worker gave no sign for so long is given to another. Default 30,000 ms. */
  readonly staleMs?: number | undefined;
}

const STALE_MS = 30_000;
const DAY_S = 24 * 3600;
/** Ends are kept for `wait` and `list`, but not for ever. */
const KEPT: JobsOptions = {
  attempts: MAX_ATTEMPTS,
  backoff: { type: "exponential", delay: RETRY_MS },
  removeOnComplete: { age: 7 * DAY_S },
  removeOnFail: { age: 30 * DAY_S },
};
/** Jobs handed to Redis at a time, so that a producer of many holds few. */
const BULK = 500;

/**
 * Opens a queue on Redis, such as `redis://localhost:6379/0?queue=NAME`. Redis should keep an append-only file (`appendonly yes`), or
 * it loses jobs when it ends.
 *
 * @throws {RangeError} where Redis does not answer, or where the peers are not installed.
 *
 * @example
 * const queue = await openRedisQueue("redis://localhost:6379");
 * const [id] = await queue.submit([{ name: "merge", payload: { plan } }]);
 * await queue.close();
 */
export async function openRedisQueue(url: string, { staleMs = STALE_MS }: RedisQueueOptions = {}): Promise<JobQueue> {
  const place = redisPlace(url);
  const { Queue, FlowProducer } = await loadBullMq();
  const connection = await connectRedis(place);
  const queue = new Queue(place.queue, { connection, prefix: place.prefix });
  const flows = new FlowProducer({ connection, prefix: place.prefix });
  // A connection that breaks is made again; what waits for it waits. Without a listener, Node would end the process.
  queue.on("error", () => {});
  flows.on("error", () => {});
  const cancelled = (id: string): string => `${place.prefix}:${place.queue}:cancelled:${id}`;
  const isCancelled = async (id: string): Promise<boolean> => (await connection.exists(cancelled(id))) === 1;

  async function statusOf(job: Job): Promise<JobStatus> {
    const given = await job.getState();
    const flagged = given !== "completed" && (await isCancelled(job.id!));
    const state = flagged && given !== "active" ? "cancelled" : stateOf(given);
    const { id = "", name, failedReason, progress, returnvalue } = job;
    const attempts = Math.max(job.attemptsStarted, job.attemptsMade);
    const at = state === "running" && progress !== 0 ? progress : undefined;
    return {
      id,
      name,
      state,
      attempts,
      progress: at,
      result: returnvalue ?? undefined,
      reason: failedReason || undefined,
    };
  }

  async function cancel(id: string): Promise<boolean> {
    const job = (await queue.getJob(id)) as Job | undefined;
    if (job === undefined || ["completed", "failed"].includes(await job.getState())) return false;
    await connection.set(cancelled(id), "1", "EX", 30 * DAY_S);
    const { unprocessed = [] } = await job.getDependencies({ unprocessed: { count: 10_000 } });
    for (const key of unprocessed) await cancel(key.split(":").at(-1)!);
    return true;
  }

  return {
    async submit(jobs) {
      const ids: string[] = [];
      for (let start = 0; start < jobs.length; start += BULK) {
        const part = jobs.slice(start, start + BULK);
        const plain = part.every(({ children = [] }) => children.length === 0);
        if (plain) {
          const bulk = part.map(({ name, payload }) => ({ name, data: payload, opts: { ...KEPT, jobId: newJobId() } }));
          ids.push(...(await queue.addBulk(bulk)).map(({ id }) => id!));
        } else {
          const nodes = await flows.addBulk(part.map((job) => flowOf(job, place)));
          ids.push(...nodes.map(({ job }) => job.id!));
        }
      }
      return ids;
    },
    async status(id) {
      const job = (await queue.getJob(id)) as Job | undefined;
      return job && statusOf(job);
    },
    async list() {
      const all: JobStatus[] = [];
      for (const type of ["active", "waiting", "delayed", "waiting-children", "failed", "completed"] as const) {
        for (const job of (await queue.getJobs([type], 0, -1, true)) as (Job | undefined)[]) {
          // It may be gone in between.
          if (job !== undefined) all.push(await statusOf(job));
        }
      }
      return all;
    },
    cancel,
    work: (handler, options) => workOnRedis(place, handler, { ...options, staleMs, isCancelled }),
    async close() {
      await Promise.all([queue.close(), flows.close()]);
      connection.disconnect();
    },
  };
}

function flowOf({ name, payload, children = [] }: NewJob, place: RedisPlace): FlowJob {
  // A job whose child fails fails too, instead of waiting for ever.
  const opts = { ...KEPT, jobId: newJobId(), failParentOnFailure: true };
  const base = { name, data: payload, queueName: place.queue, prefix: place.prefix, opts };
  return (
    children.length === 0 ? base : { ...base, children: children.map((child) => flowOf(child, place)) }
  ) as FlowJob;
}

function stateOf(state: string): JobState {
  if (state === "active") return "running";
  if (state === "completed") return "done";
  if (state === "failed") return "failed";
  return state === "waiting-children" ? "blocked" : "waiting";
}
