/** Options of commands that work with queues. */

import { number, type Option, text } from "../option.ts";

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
