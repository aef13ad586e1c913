/** Reads request bodies into memory, never more than allowed, whatever the headers say. */

import type { Buffers } from "./buffers.ts";
import { Problem } from "./problem.ts";

/**
 * The whole body in one buffer of `buffers`, of just its size, so that the files in it can be used where they lie. Rejects with 411
 * without a `Content-Length`, 413 beyond `limit`, and 400 when the body is not as long as announced.
 */
export async function readBody(
  request: Request,
  limit: number,
  buffers: Buffers,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const text = request.headers.get("content-length");
  if (text === null) throw new Problem(411, "no Content-Length, expected one");
  const length = Number(text);
  if (!(length <= limit)) throw new Problem(413, `body of ${text} bytes, expected at most ${limit}`);
  const body = buffers.allocate(length);
  let filled = 0;
  for await (const chunk of chunks(request, signal)) {
    if (filled + chunk.length > length)
      throw new Problem(400, `body longer than its Content-Length of ${length} bytes`);
    body.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled < length) throw new Problem(400, `body ends after ${filled} bytes, expected ${length} (Content-Length)`);
  return body;
}

/** An answer waits for the rest of an upload while something comes, and not for long. */
const [MAX_SILENCE_MS, MAX_DRAIN_MS] = [1000, 10_000];

/**
 * Reads and forgets a body, so that its sender gets to read the answer: many read it only when they have sent all. Of a
 * body beyond `limit`, that stalls, or that takes long, it lets go.
 */
export async function drain(request: Request, limit: number): Promise<void> {
  if (request.body === null || request.bodyUsed) return;
  const silence = new AbortController();
  const watch = (): ReturnType<typeof setTimeout> => setTimeout(() => silence.abort(), MAX_SILENCE_MS);
  let timer = watch();
  let left = limit;
  try {
    for await (const chunk of chunks(request, AbortSignal.any([silence.signal, AbortSignal.timeout(MAX_DRAIN_MS)]))) {
      left -= chunk.length;
      if (left < 0) return;
      clearTimeout(timer);
      timer = watch();
    }
  } catch {
    // The answer is sent all the same.
  } finally {
    clearTimeout(timer);
  }
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
