/** BullMQ and a connection to Redis, both optional peers. */

import type { Redis } from "ioredis";

/** Where a queue is. */
export interface RedisPlace {
  readonly url: string;
  readonly queue: string;
  readonly prefix: string;
}

/** How long Redis may take to answer at first. Later it may take any time: it may be starting again. */
const ANSWER_MS = 10_000;
const RECONNECT_MS = 500;

/** Takes `?queue=NAME` off the URL. Throws `RangeError` for what is no URL of Redis. */
export function redisPlace(text: string): RedisPlace {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["redis:", "rediss:"].includes(url.protocol))
    throw new RangeError(`${text} is no URL of Redis, expected redis://HOST:PORT or rediss://HOST:PORT`);
  const queue = url.searchParams.get("queue") ?? "rebasin";
  if (!/^[\w-]+$/.test(queue))
    throw new RangeError(`queue ${queue}, expected letters, digits, _ and - in the name of a queue`);
  url.searchParams.delete("queue");
  return { url: url.href, queue, prefix: "rebasin" };
}

/** Throws `RangeError` where the peer is not installed. */
export async function loadBullMq(): Promise<typeof import("bullmq")> {
  try {
    return await import("bullmq");
  } catch (error) {
    throw notInstalled(error);
  }
}

function notInstalled(error: unknown): Error {
  const { message } = error as Error;
  if (!/bullmq|ioredis/.test(message)) return error as Error;
  return new RangeError("queues on Redis need the packages bullmq and ioredis, expected: npm install bullmq ioredis");
}

/** A connection that is made again whenever it breaks. Throws `RangeError` where there is no answer at first. */
export async function connectRedis({ url }: RedisPlace): Promise<Redis> {
  let Class: typeof Redis;
  try {
    ({ Redis: Class } = await import("ioredis"));
  } catch (error) {
    throw notInstalled(error);
  }
  const connection = new Class(url, {
    lazyConnect: true,
    // What BullMQ needs: commands wait for the connection, however long.
    maxRetriesPerRequest: null,
    retryStrategy: () => RECONNECT_MS,
  });
  let why = "no answer";
  connection.on("error", (error: Error) => {
    why = error.message || (error as NodeJS.ErrnoException).code || why;
  });
  const late = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error(why)), ANSWER_MS);
    timer.unref();
    connection.once("ready", () => clearTimeout(timer));
  });
  try {
    await Promise.race([connection.connect().then(() => connection.ping()), late]);
  } catch (error) {
    connection.disconnect();
    const { host } = new URL(url);
    throw new RangeError(
      `Redis at ${host} cannot be reached (${why || reason(error)}), expected a server that answers`,
    );
  }
  return connection;
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));
