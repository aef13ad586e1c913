/** TensorFlow.js on its wasm backend (SIMD, one thread in Node, Deno and Bun). */

import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";

/** Makes wasm the backend. Throws `Error` when it does not start. */
export async function startBackend(): Promise<void> {
  if (!(await tf.setBackend("wasm"))) throw new Error("TensorFlow.js backend wasm did not start");
  await tf.ready();
}
