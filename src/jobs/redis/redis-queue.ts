/** A queue on Redis, by BullMQ (optional peers `bullmq` and `ioredis`). */

import type { FlowJob, FlowProducer, Job, JobsOptions, Queue } from "bullmq";
import type { Redis } from "ioredis";
import {
  type JobHandler,
  type JobQueue,
  type JobState,
  type JobStatus,
  MAX_ATTEMPTS,
  type NewJob,
  newJobId,
  RETRY_MS,
  type WorkOptions,
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
 * Opens a queue on Redis, such as `redis://localhost:6379/0?queue=NAME`. Redis should keep an append-only file
 * (`appendonly yes`), or it loses jobs when it ends.
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
  const queue: Queue = new Queue(place.queue, { connection, prefix: place.prefix });
  const flows: FlowProducer = new FlowProducer({ connection, prefix: place.prefix });
  // A connection that breaks is made again; what waits for it waits. Without a listener, Node would end the process.
  queue.on("error", () => {});
  flows.on("error", () => {});
  return new RedisQueue({ place, connection, queue, flows, staleMs });
}

/** What a queue on Redis is made of. */
interface Parts {
  readonly place: RedisPlace;
  readonly connection: Redis;
  readonly queue: Queue;
  readonly flows: FlowProducer;
  readonly staleMs: number;
}

class RedisQueue implements JobQueue {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async submit(jobs: readonly NewJob[], onJob?: (job: NewJob, id: string) => void): Promise<string[]> {
    const ids: string[] = [];
    for (let start = 0; start < jobs.length; start += BULK)
      ids.push(...(await this.#submitPart(jobs.slice(start, start + BULK), onJob)));
    return ids;
  }

  async #submitPart(
    jobs: readonly NewJob[],
    onJob: ((job: NewJob, id: string) => void) | undefined,
  ): Promise<string[]> {
    const { queue, flows, place } = this.#parts;
    const made: (readonly [NewJob, string])[] = [];
    const idOf = (job: NewJob): string => {
      const id = newJobId();
      made.push([job, id]);
      return id;
    };
    let ids: string[];
    if (jobs.every(({ children = [] }) => children.length === 0)) {
      const bulk = jobs.map((job) => ({ name: job.name, data: job.payload, opts: { ...KEPT, jobId: idOf(job) } }));
      ids = (await queue.addBulk(bulk)).map(({ id }) => id!);
    } else ids = (await flows.addBulk(jobs.map((job) => flowOf(job, place, idOf)))).map(({ job }) => job.id!);
    for (const [job, id] of made) onJob?.(job, id);
    return ids;
  }

  async #find(id: string): Promise<Job | undefined> {
    return (await this.#parts.queue.getJob(id)) as Job | undefined;
  }

  async status(id: string): Promise<JobStatus | undefined> {
    const job = await this.#find(id);
    return job && this.#statusOf(job);
  }

  async list(): Promise<JobStatus[]> {
    const all: JobStatus[] = [];
    for (const type of ["active", "waiting", "delayed", "waiting-children", "failed", "completed"] as const) {
      const jobs = (await this.#parts.queue.getJobs([type], 0, -1, true)) as (Job | undefined)[];
      // One may be gone in between.
      for (const job of jobs) if (job !== undefined) all.push(await this.#statusOf(job));
    }
    return all;
  }

  async #statusOf(job: Job): Promise<JobStatus> {
    const given = await job.getState();
    const flagged = given !== "completed" && given !== "active" && (await this.#isCancelled(job.id!));
    const state = flagged ? "cancelled" : stateOf(given);
    const { id = "", name, failedReason, returnvalue } = job;
    // BullMQ's progress is 0 before there is any.
    const progress = state === "running" && job.progress !== 0 ? job.progress : undefined;
    const attempts = Math.max(job.attemptsStarted, job.attemptsMade);
    return { id, name, state, attempts, progress, result: returnvalue ?? undefined, reason: failedReason || undefined };
  }

  #cancelKey(id: string): string {
    const { prefix, queue } = this.#parts.place;
    return `${prefix}:${queue}:cancelled:${id}`;
  }

  async #isCancelled(id: string): Promise<boolean> {
    return (await this.#parts.connection.exists(this.#cancelKey(id))) === 1;
  }

  async cancel(id: string): Promise<boolean> {
    const job = await this.#find(id);
    if (job === undefined || ["completed", "failed"].includes(await job.getState())) return false;
    await this.#parts.connection.set(this.#cancelKey(id), "1", "EX", 30 * DAY_S);
    const { unprocessed = [] } = await job.getDependencies({ unprocessed: { count: 10_000 } });
    for (const key of unprocessed) await this.cancel(key.split(":").at(-1)!);
    return true;
  }

  work(handler: JobHandler, options: WorkOptions): Promise<void> {
    const { place, staleMs } = this.#parts;
    return workOnRedis(place, handler, { ...options, staleMs, isCancelled: (id) => this.#isCancelled(id) });
  }

  async close(): Promise<void> {
    const { queue, flows, connection } = this.#parts;
    await Promise.all([queue.close(), flows.close()]);
    connection.disconnect();
  }
}

function flowOf(job: NewJob, place: RedisPlace, idOf: (job: NewJob) => string): FlowJob {
  const { name, payload, children = [] } = job;
  const inner = children.map((child) => flowOf(child, place, idOf));
  // A job whose child fails fails too, instead of waiting for ever.
  const opts = { ...KEPT, jobId: idOf(job), failParentOnFailure: true };
  const base = { name, data: payload, queueName: place.queue, prefix: place.prefix, opts };
  return (children.length === 0 ? base : { ...base, children: inner }) as FlowJob;
}

function stateOf(state: string): JobState {
  if (state === "active") return "running";
  if (state === "completed") return "done";
  if (state === "failed") return "failed";
  return state === "waiting-children" ? "blocked" : "waiting";
}
