/** What every writer owes its sink: closed when all went well, given up when anything did not. */

import type { ByteSink } from "./sink.ts";

/**
 * Runs `write`, closes `sink`, and resolves to what `write` gave. On any failure, and when `signal` is aborted, it
 * calls the sink's `abort` and rejects with the first error.
 */
export async function writeThenClose<T>(
  sink: ByteSink,
  signal: AbortSignal | undefined,
  write: () => Promise<T>,
): Promise<T> {
  try {
    signal?.throwIfAborted();
    const result = await write();
    signal?.throwIfAborted();
    await sink.close();
    return result;
  } catch (error) {
    // The first error is the one to know; that cleaning up failed too adds nothing.
    await sink.abort().catch(() => {});
    throw error;
  }
}
