/** One merge at a time: a merge takes most of the memory and all of the processor that an isolate has. */

import { Problem } from "./problem.ts";

export interface Queue {
  /** Merges that run or wait. */
  readonly length: number;
  /**
   * Resolves when it is this request's turn, to a function that ends the turn, which must be called. Rejects with 429 when
   * `waiting` others wait already, and with the signal's reason. A turn that has not ended after `seconds` counts as lost,
   * as the runtime may stop a request's work without a word.
   */
  enter(waiting: number, seconds: number, signal: AbortSignal): Promise<() => void>;
}

/** When to come again, if there is no room. */
const RETRY_SECONDS = 5;

export function createQueue(): Queue {
  /** The turn that runs: what it is matters only when it ends. */
  let current: { readonly since: number } | null = null;
  let waiters: (() => void)[] = [];

  const begin = (): (() => void) => {
    const turn = { since: Date.now() };
    current = turn;
    return () => {
      if (current !== turn) return;
      current = null;
      waiters.shift()?.();
    };
  };

  return {
    get length() {
      return waiters.length + (current === null ? 0 : 1);
    },
    async enter(waiting, seconds, signal) {
      signal.throwIfAborted();
      if (current !== null && Date.now() - current.since > 1000 * seconds) {
        current = null;
        waiters = [];
      }
      if (current === null) return begin();
      if (waiters.length >= waiting) {
        const detail = `one merge runs and ${waiters.length} wait, expected at most ${waiting} to wait`;
        throw new Problem(429, detail, { "retry-after": String(RETRY_SECONDS) });
      }
      return new Promise((resolve, reject) => {
        const start = (): void => {
          signal.removeEventListener("abort", leave);
          resolve(begin());
        };
        const leave = (): void => {
          waiters = waiters.filter((waiter) => waiter !== start);
          reject(signal.reason);
        };
        waiters.push(start);
        signal.addEventListener("abort", leave, { once: true });
      });
    },
  };
}
