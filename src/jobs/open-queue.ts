/** A queue by its address. */

import { openFolderQueue } from "./folder/folder-queue.ts";
import type { JobQueue } from "./job-queue.ts";

/** Options of `openQueue`. */
export interface OpenQueueOptions {
  /** A job whose worker gave no sign for so many milliseconds is given to another. Default 30,000. */
  readonly staleMs?: number | undefined;
}

/**
 * Opens a queue: `redis://HOST:PORT` (optional peers `bullmq` and `ioredis`), or the path of a folder that every
 * machine sees.
 *
 * @throws {RangeError} where Redis does not answer, where the peers are not installed, and for other URLs.
 *
 * @example
 * const queue = await openQueue("/shared/queue");
 */
export async function openQueue(address: string, options: OpenQueueOptions = {}): Promise<JobQueue> {
  if (/^rediss?:/.test(address)) return (await import("./redis/redis-queue.ts")).openRedisQueue(address, options);
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(address))
    throw new RangeError(`${address} is no queue, expected redis://HOST:PORT or the path of a folder`);
  return openFolderQueue(address, options);
}
