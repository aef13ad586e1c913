/** The executor where none is given. */

import type { Executor } from "../executor.ts";
import { withTensorFlow } from "../with-tensorflow.ts";

/** The given executor, or TensorFlow.js. Rejects with an `Error` that says what to install when that is not there. */
export async function executorOf(given: Executor | undefined): Promise<Executor> {
  return given ?? (await withTensorFlow(() => import("../tfjs/executor.ts"))).tfExecutor;
}
