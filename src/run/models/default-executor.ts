/** The executor where none is given. */

import type { Executor } from "../executor.ts";
import { withTensorFlow } from "../with-tensorflow.ts";

/**
 * The given executor, or TensorFlow.js. Rejects with an `Error` that names the package to install if that is
 * missing.
 */
export async function executorOf(given: Executor | undefined): Promise<Executor> {
  return given ?? (await withTensorFlow(() => import("../tfjs/executor.ts"))).tfExecutor;
}
