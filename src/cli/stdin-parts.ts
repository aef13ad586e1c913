/**
 * stdin, for the thread that computes: a part each time it asks. Read by the main thread, which alone can stop
 * waiting for it.
 */

import type { StdinPart } from "./messages.ts";

/** stdin in parts. */
export interface StdinParts {
  /** True when it was begun, and keeps the process from ending. */
  readonly isOpen: boolean;
  /** The next part, none at the end, or why there is none. */
  next(): Promise<StdinPart>;
}

export function createStdinParts(): StdinParts {
  let parts: AsyncIterator<Uint8Array> | undefined;
  return {
    get isOpen() {
      return parts !== undefined;
    },
    async next() {
      try {
        parts ??= (process.stdin as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
        const { done, value } = await parts.next();
        // A copy: buffers of Node may lie in one that many share.
        return { kind: "stdin", part: done === true ? undefined : new Uint8Array(value) };
      } catch (error) {
        return { kind: "stdin", fault: (error as Error).message };
      }
    },
  };
}
