/** What a caller of a matching gives to have it kept. */

import type { Model } from "../../base/model.ts";

/** Where a matching resumes, and what keeps how far it is. */
export interface MatchCheckpoint {
  /** What `save` got last in a run of the same models and options. Without it the matching starts from nothing. */
  readonly resume?: Model | undefined;
  /**
   * Called after each sweep and each step with all that `resume` needs, in place of what was kept before. Matrices of
   * Frank–Wolfe are read from the matching's own memory: read, or write, the model before the promise is resolved. What
   * it rejects with ends the matching.
   */
  save(state: Model): Promise<void>;
}
