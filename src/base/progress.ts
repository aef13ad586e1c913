/**
 * How long work reports and stops: progress callbacks, abort signals, yielding to other tasks, seconds. Its clock is
 * `Date`'s: Node loads what is behind `performance` when that is first used, a millisecond of a first matching.
 */

/** Kinds of long work. */
export type Stage =
  | "read"
  | "frank-wolfe"
  | "coordinate"
  | "activations"
  | "straight-through"
  | "many"
  | "train"
  | "evaluate"
  | "repair"
  | "verify"
  | "merge"
  | "write";

/**
 * How much is done of a stage, or, where its end is not known, of the step behind `done`: what time goes by, as steps
 * differ in size. A step may end early.
 */
export interface Work {
  readonly done: number;
  readonly total: number;
  readonly unit: "bytes" | "multiplications";
}

/** One progress report. `done`/`total` count steps of `stage`; `total` is undefined where the end is not known. */
export interface Progress {
  readonly stage: Stage;
  readonly done: number;
  readonly total?: number | undefined;
  /** Objective reached so far, in matching stages: after a step, not inside. */
  readonly objective?: number | undefined;
  readonly work?: Work | undefined;
}

/** Called between steps. Must not throw. */
export type OnProgress = (progress: Progress) => void;

/**
 * Yields between steps of long work, at most every `everyMs`: other tasks of the thread run (timers, input, abort
 * events), then `signal` is checked. Throws the signal's reason when it is aborted.
 */
export function createYielder(signal?: AbortSignal, everyMs = 12): () => Promise<void> {
  let last = Date.now();
  return async () => {
    signal?.throwIfAborted();
    const passed = Date.now() - last;
    // Less than nothing when the clock was set back.
    if (passed >= 0 && passed < everyMs) return;
    await nextTask();
    last = Date.now();
    signal?.throwIfAborted();
  };
}

/** Starts a clock that returns the seconds since then, to the millisecond. */
export function startClock(): () => number {
  const started = Date.now();
  // The system's clock may be set back meanwhile.
  return () => Math.max(0, Date.now() - started) / 1000;
}

/** Resolves in a new macrotask. In browsers by a message channel, since they clamp nested timers to 4 ms. */
function nextTask(): Promise<void> {
  // Where there is one, it is the cheapest: a first message channel takes Node some 4 ms.
  const { setImmediate } = globalThis as { setImmediate?: (task: () => void) => unknown };
  return new Promise((resolve) => {
    if (setImmediate !== undefined) {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
