/** What every queue of jobs does: BullMQ on Redis, and a shared folder. */

/** One piece of work. Its payload is plain JSON: a plan and references to files, never tensors. */
export interface NewJob {
  /** For lists and logs. */
  readonly name: string;
  readonly payload: object;
  /** Jobs that must be done first. */
  readonly children?: readonly NewJob[] | undefined;
}

/** Waiting for a worker, blocked by its children, running, or over. */
export type JobState = "waiting" | "blocked" | "running" | "done" | "failed" | "cancelled";

/** How far a job is. */
export interface JobStatus {
  readonly id: string;
  readonly name: string;
  readonly state: JobState;
  /** Starts so far, those of workers that died included. */
  readonly attempts: number;
  /** What a running job reported last, as plain JSON. */
  readonly progress?: unknown;
  /** What the handler returned. */
  readonly result?: unknown;
  /** Why it failed, or why its last attempt did. */
  readonly reason?: string | undefined;
}

/** One attempt at a job, as its handler sees it. */
export interface JobAttempt {
  readonly id: string;
  readonly name: string;
  readonly payload: object;
  /** From 1. */
  readonly attempt: number;
  /** Aborted when the job is cancelled, when another worker has taken it over, and when the worker stops. */
  readonly signal: AbortSignal;
  /** Keeps the last progress for callers that wait for the job. */
  onProgress(progress: unknown): void;
}

/** Does the work of a job; resolves to plain JSON. May run twice for one job, so it must write its files once. */
export type JobHandler = (attempt: JobAttempt) => Promise<unknown>;

/** What happens to a worker's jobs. */
export interface WorkerEvent {
  readonly kind: "started" | "done" | "failed" | "retried" | "cancelled" | "returned" | "trouble";
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly reason?: string | undefined;
}

/** Options of `JobQueue.work`. */
export interface WorkOptions {
  /** Jobs at a time. Default 1. */
  readonly concurrency?: number | undefined;
  /** Ends the worker: running jobs are stopped and given back to the queue. */
  readonly signal: AbortSignal;
  /** Called for each start and end of a job. */
  readonly onEvent?: ((event: WorkerEvent) => void) | undefined;
  /** Stop when the queue has no job that can run. Default false: wait for more. */
  readonly untilEmpty?: boolean | undefined;
}

/** A queue of jobs. */
export interface JobQueue {
  /**
   * Adds jobs with their children; resolves to the ids of the outer ones, in order, when all are kept. `onJob` is
   * called with each job and its id, children first; on Redis a child of several jobs is a job for each.
   */
  submit(jobs: readonly NewJob[], onJob?: (job: NewJob, id: string) => void): Promise<string[]>;
  /** Resolves to undefined where no job has this id. */
  status(id: string): Promise<JobStatus | undefined>;
  /** Every job that the queue still knows, running ones first. */
  list(): Promise<JobStatus[]>;
  /** Resolves to false where the job is over already or unknown. Its children are cancelled too. */
  cancel(id: string): Promise<boolean>;
  /** Works on jobs until the signal is aborted; resolves when all its jobs are over or given back. */
  work(handler: JobHandler, options: WorkOptions): Promise<void>;
  /** Ends its connections; jobs stay. */
  close(): Promise<void>;
}

/** Attempts that failed by their surroundings (a full disk, a network) before a job fails. */
export const MAX_ATTEMPTS = 3;
/** Starts of a job whose workers died before it fails: it may be what kills them. */
export const MAX_STARTS = 10;
/** How long before a failed attempt is tried again; doubled each time. */
export const RETRY_MS = 1000;

const FINAL = new Set(["FormatError", "SpecError", "TypeError", "RangeError", "UsageError"]);

/** True for errors that would come again: those that blame the input. What has a `code` comes from the system. */
export function isFinal(error: unknown): boolean {
  if (!(error instanceof Error) || "code" in error) return false;
  return FINAL.has(error.name) && !(error.cause instanceof Error && "code" in error.cause);
}

/** One line of an error. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
}

/** Jobs are cancelled with this reason. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";
}

let made = 0;
/** Ids that sort by when they were made; letters, digits and `-`, as file names and Redis keys can have. */
export function newJobId(): string {
  const time = Date.now().toString(36).padStart(9, "0");
  const count = (made++).toString(36).padStart(5, "0");
  const random = Array.from(crypto.getRandomValues(new Uint8Array(4)), (byte) => byte.toString(16).padStart(2, "0"));
  return `${time}-${count}-${random.join("")}`;
}

/** The ids that are asked for come from users. */
export const isJobId = (id: string): boolean => /^[0-9a-z]+-[0-9a-z]+-[0-9a-f]{8}$/.test(id);
