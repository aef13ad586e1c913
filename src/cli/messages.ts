/** Messages between the main thread and the worker that computes. */

import type { Progress } from "../base/progress.ts";
import type { Outcome } from "./exit.ts";

/** What the worker is started with. */
export interface LineToRun {
  readonly words: readonly string[];
  /** Whether anyone looks at progress. */
  readonly watched: boolean;
  /** Whether the line is a job: what it gives is wanted as a whole, or the error itself. */
  readonly isJob?: boolean | undefined;
}

/** From the worker. */
export type Report =
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "say"; readonly line: string }
  /** A temporary file that must go if the worker cannot remove it itself; before it is made, and when it is gone. */
  | { readonly kind: "temporary"; readonly path: string; readonly exists: boolean }
  /** Asks for the next part of stdin. */
  | { readonly kind: "stdin" }
  | { readonly kind: "end"; readonly outcome: Outcome }
  | JobReport;

/** How a job's line ended. */
export type JobReport =
  | { readonly kind: "done"; readonly json: unknown; readonly text: string }
  | { readonly kind: "fault"; readonly type: string; readonly message: string; readonly code: string | undefined };

/** To the worker: the next part of stdin, without one its end; or why it cannot be read. */
export interface StdinPart {
  readonly kind: "stdin";
  readonly part?: Uint8Array<ArrayBuffer> | undefined;
  readonly fault?: string | undefined;
}

/** To the worker: stop, and clean up. */
export interface StopRequest {
  readonly kind: "stop";
}
