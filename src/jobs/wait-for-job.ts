/** Waiting for the end of a job, on any queue. */

import { CancelledError, type JobQueue, type JobStatus } from "./job-queue.ts";

/** Options of `waitForJob`. */
export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called when state or progress changes. */
  readonly onStatus?: ((status: JobStatus) => void) | undefined;
}

/** How often it looks: soon at first, so that short jobs are not waited for; then rarely. */
const [FIRST_MS, LAST_MS] = [20, 250];

/**
 * Waits until a job is over. Resolves to its last status where it is done.
 *
 * @throws {RangeError} for an id that the queue does not know.
 * @throws {CancelledError} where the job was cancelled.
 * @throws {Error} where it failed, with its reason.
 * @throws the signal's reason when aborted; the job continues.
 *
 * @example
 * const [id] = await queue.submit([{ name: "merge", payload: { plan } }]);
 * const { result } = await waitForJob(queue, id);
 */
export async function waitForJob(queue: JobQueue, id: string, options: WaitOptions = {}): Promise<JobStatus> {
  const { signal, onStatus } = options;
  let last = "";
  for (let pause = FIRST_MS; ; pause = Math.min(pause * 1.3, LAST_MS)) {
    signal?.throwIfAborted();
    const status = await queue.status(id);
    if (status === undefined)
      throw new RangeError(`${id} is no job of this queue, expected an id of rebasin jobs list`);
    const now = JSON.stringify([status.state, status.progress]);
    if (now !== last) onStatus?.(status);
    last = now;
    if (status.state === "done") return status;
    if (status.state === "cancelled") throw new CancelledError(`${id} (${status.name}) was cancelled`);
    if (status.state === "failed") throw new Error(status.reason ?? `${id} (${status.name}) failed`);
    await sleep(pause, signal);
  }
}

/** Resolves after so many milliseconds, or as soon as the signal is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    if (signal?.aborted) end();
    else signal?.addEventListener("abort", end, { once: true });
  });
}
