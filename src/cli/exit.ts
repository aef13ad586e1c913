/** How a run ends. */

/** Exit codes: done, failed, wrong usage, interrupted (128 + SIGINT). */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** What is left to print, whole and without the last line end, and the exit code. */
export interface Outcome {
  readonly code: number;
  /** A temporary file of which stdout gets the bytes, before anything else. */
  readonly file?: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}
