/** Options of commands that work with queues. */

import { number, type Option, type Options, text } from "../option.ts";

/** An address of a queue, required. */
export const QUEUE_OPTION: Option<string> = text({
  value: "QUEUE",
  help: "redis://HOST:PORT (packages bullmq and ioredis), or a folder that every machine sees",
  required: true,
});

export const STALE_OPTION: Option<number> = number({
  value: "SECONDS",
  help: "a job whose worker gives no sign for so long is given to another",
  default: 30,
  min: 1,
  max: 3600,
});

/** Of commands that can hand their plan to a queue. */
export interface QueueingValues {
  readonly queue: string | undefined;
  readonly results: string | undefined;
}

export const QUEUEING_OPTIONS: Options<QueueingValues> = {
  queue: text({
    value: "QUEUE",
    help: "let a worker of this queue do it, and wait: redis://HOST:PORT, or a folder that every machine sees",
  }),
  results: text({
    value: "DIR",
    help: "folder that every machine sees, for results named by content",
    defaultText: "results in the queue's folder",
    for: { queue: true },
  }),
};
