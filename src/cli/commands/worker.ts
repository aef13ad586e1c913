/** `rebasin worker --queue ADDRESS` */

import { availableParallelism } from "node:os";
import type { WorkerEvent } from "../../jobs/job-queue.ts";
import { openQueue } from "../../jobs/open-queue.ts";
import { planHandler } from "../../jobs/plan-handler.ts";
import type { Command } from "../command.ts";
import { counted } from "../counted.ts";
import { flag, integer, integerOrAuto } from "../option.ts";
import { runPlanInThread } from "../queueing/job-thread.ts";
import { QUEUE_OPTION, STALE_OPTION } from "../queueing/options.ts";

interface WorkerValues {
  readonly queue: string;
  readonly jobs: number;
  readonly threads: number | "auto";
  readonly "until-empty": boolean;
  readonly stale: number;
}

export const worker: Command<WorkerValues> = {
  positionals: [],
  options: {
    queue: QUEUE_OPTION,
    jobs: integer({ value: "N", help: "jobs at a time; each needs its own memory", default: 1, min: 1, max: 64 }),
    threads: integerOrAuto({ value: "N", help: "threads of each job", default: "auto", min: 1, max: 64 }),
    "until-empty": flag({ help: "stop when no job is left; without it, wait for more until Ctrl-C" }),
    stale: STALE_OPTION,
  },
  examples: [
    "rebasin worker --queue redis://localhost:6379",
    "rebasin worker --queue /shared/queue --jobs 2 --threads 1",
    "rebasin worker --queue /shared/queue --until-empty",
  ],
  async run({ options, signal, say }) {
    const { queue: address, jobs: concurrency, stale, "until-empty": untilEmpty } = options;
    const threads =
      options.threads === "auto" ? Math.max(1, Math.floor(availableParallelism() / concurrency)) : options.threads;
    const queue = await openQueue(address, { staleMs: stale * 1000 });
    const counts = { done: 0, failed: 0, cancelled: 0 };
    const onEvent = ({ kind, id, name, reason }: WorkerEvent): void => {
      if (kind in counts) counts[kind as keyof typeof counts]++;
      say([kind.padEnd(9), id, name, reason && `(${reason})`].filter(Boolean).join(" "));
    };
    try {
      const handler = planHandler((plan, attempt) => runPlanInThread(plan, attempt, ["--threads", String(threads)]));
      await queue.work(handler, { concurrency, signal, onEvent, untilEmpty });
    } finally {
      await queue.close();
    }
    const { done, failed, cancelled } = counts;
    return { json: counts, text: `worker     ${counted(done, "job")} done, ${failed} failed, ${cancelled} cancelled` };
  },
};
