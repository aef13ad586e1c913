/** Loads what keeps how far a matching is. */

import type { openKeeper } from "./resume/open-keeper.ts";

/** See `openKeeper`. */
export const loadKeeper: typeof openKeeper = async (...words) =>
  (await import("./resume/open-keeper.ts")).openKeeper(...words);
