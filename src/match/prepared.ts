/** What a matching works with, once its memory is taken and its tensors can be read. */

import type { Model } from "../base/model.ts";
import type { OnProgress } from "../base/progress.ts";
import type { Workspace } from "./costs/workspace.ts";

export interface MatchedModels {
  readonly a: Model;
  readonly b: Model;
}

export interface Prepared {
  readonly workspace: Workspace;
  /** Bytes of wasm memory. */
  readonly memoryBytes: number;
  /** Takes what solvers report, where somebody listens. */
  readonly onProgress?: OnProgress | undefined;
  /** Gives back what is not memory. */
  end(): void | Promise<void>;
}
