/** Takes the place of load-keeper.ts in edge workers, whose requests end before a checkpoint pays. */

import type { loadKeeper as anywhere } from "./load-keeper.ts";

/** Refuses. */
export const loadKeeper: typeof anywhere = async () => {
  throw new RangeError("checkpoint is given, expected none in an edge worker");
};
