/** Reads request bodies into memory, never more than allowed, whatever the headers say. */

import type { Buffers } from "./buffers.ts";
import { Problem } from "./problem.ts";

/** Read before a request takes its turn: what a sender has to show. Others wait for turns, not for those who send nothing. */
const EARLY_BYTES = 65_536;
/** Nothing for so long, and the request is given up. */
const MAX_PAUSE_MS = 2000;
/** In its turn an upload is at least so fast, but for the first seconds. */
const [LEAST_BYTES_PER_MS, GRACE_MS] = [250, 5000];

/** A body that has begun to come. */
export interface Upload {
  /** As its `Content-Length` says. */
  readonly length: number;
  readonly early: readonly Uint8Array[];
  readonly rest: AsyncGenerator<Uint8Array>;
  /** Lets go of what has not come. */
  stop(): void;
}

/**
 * Waits for the first 64 kB of a body, or all of it. Rejects with 411 without a `Content-Length`, 413 beyond `limit`, and
 * 408 when nothing comes for two seconds.
 */
export async function beginUpload(request: Request, limit: number, signal: AbortSignal): Promise<Upload> {
  const text = request.headers.get("content-length");
  if (text === null) throw new Problem(411, "no Content-Length, expected one");
  const length = Number(text);
  if (!(length <= limit)) throw new Problem(413, `body of ${text} bytes, expected at most ${limit}`);
  const { rest, stop } = open(request, signal);
  const early: Uint8Array[] = [];
  for (let bytes = 0; bytes < Math.min(length, EARLY_BYTES); ) {
    const chunk = await nextChunk(rest);
    if (chunk === undefined) break;
    early.push(chunk);
    bytes += chunk.length;
  }
  return { length, early, rest, stop };
}

/**
 * The whole body in one buffer of `buffers`, of just its size, so that the files in it can be used where they lie. Rejects
 * with 400 when the body is not as long as announced, and with 408 when it pauses for two seconds or comes too slowly.
 */
export async function readBody({ length, early, rest }: Upload, buffers: Buffers): Promise<Uint8Array<ArrayBuffer>> {
  const body = buffers.allocate(length);
  const started = Date.now();
  let filled = 0;
  const add = (chunk: Uint8Array): void => {
    if (filled + chunk.length > length)
      throw new Problem(400, `body longer than its Content-Length of ${length} bytes`);
    body.set(chunk, filled);
    filled += chunk.length;
  };
  for (const chunk of early) add(chunk);
  for (let chunk = await nextChunk(rest); chunk !== undefined; chunk = await nextChunk(rest)) {
    add(chunk);
    const passed = Date.now() - started - GRACE_MS;
    if (filled < length && passed * LEAST_BYTES_PER_MS > filled)
      throw new Problem(408, `${filled} bytes in ${GRACE_MS + passed} ms, expected ${LEAST_BYTES_PER_MS} kB/s or more`);
  }
  if (filled < length) throw new Problem(400, `body ends after ${filled} bytes, expected ${length} (Content-Length)`);
  return body;
}

/** The next part of a body; undefined behind the last. Rejects with 408 when it does not come. */
async function nextChunk(body: Upload["rest"], pause: number = MAX_PAUSE_MS): Promise<Uint8Array | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    const fault = new Problem(408, `nothing came for ${pause} ms, expected the rest of the body`);
    timer = setTimeout(() => reject(fault), pause);
  });
  try {
    const { done, value } = await Promise.race([body.next(), silence]);
    return done ? undefined : value;
  } finally {
    clearTimeout(timer);
  }
}

/** An answer waits for the rest of an upload while something comes, and not for long. */
const [MAX_SILENCE_MS, MAX_DRAIN_MS] = [1000, 10_000];

/**
 * Reads and forgets a body, so that its sender gets to read the answer: many read it only when they have sent all. Of a
 * body beyond `limit`, that stalls, or that takes long, it lets go.
 */
export async function drain(request: Request, limit: number): Promise<void> {
  if (request.body === null || request.bodyUsed) return;
  await drainRest(open(request, request.signal), limit);
}

/** The same of a body that has begun to come. */
export async function drainRest({ rest, stop }: Pick<Upload, "rest" | "stop">, limit: number): Promise<void> {
  const end = Date.now() + MAX_DRAIN_MS;
  try {
    for (let left = limit; left >= 0 && Date.now() < end; ) {
      const chunk = await nextChunk(rest, MAX_SILENCE_MS);
      if (chunk === undefined) return;
      left -= chunk.length;
    }
  } catch {
    // The answer is sent all the same.
  }
  stop();
}

function open(request: Request, signal: AbortSignal): Pick<Upload, "rest" | "stop"> {
  const stopped = new AbortController();
  const rest = chunks(request, AbortSignal.any([signal, stopped.signal]));
  return { rest, stop: () => stopped.abort() };
}

async function* chunks(request: Request, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = request.body?.getReader();
  if (reader === undefined) return;
  // A reader knows no signals: cancelling it ends a read that waits.
  const cancel = (): void => void reader.cancel(signal.reason).catch(() => undefined);
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for (;;) {
      // A connection that breaks rejects. Its sender may have closed one direction only, and still read the answer.
      const chunk = await reader.read().catch(() => undefined);
      signal.throwIfAborted();
      if (chunk === undefined || chunk.done) return;
      yield chunk.value;
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}
