/**
 * Entry `rebasin/jobs`: plans as jobs on many machines, by BullMQ on Redis or by a shared folder. For Node, Deno and
 * Bun; Redis needs the optional peers `bullmq` and `ioredis`.
 */

export { type CollectOptions, collectResult } from "./jobs/collect-result.ts";
export { type FolderQueueOptions, openFolderQueue } from "./jobs/folder/folder-queue.ts";
export {
  CancelledError,
  type JobAttempt,
  type JobHandler,
  type JobQueue,
  type JobState,
  type JobStatus,
  type NewJob,
  type WorkerEvent,
  type WorkOptions,
} from "./jobs/job-queue.ts";
export { type OpenQueueOptions, openQueue } from "./jobs/open-queue.ts";
export { planHandler, type RunPlanJob } from "./jobs/plan-handler.ts";
export { type PlanJob, type PlanJobOptions, type PlanPayload, planJob } from "./jobs/plan-job.ts";
export { type WaitOptions, waitForJob } from "./jobs/wait-for-job.ts";
