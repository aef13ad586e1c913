/** TensorFlow.js on its wasm backend (SIMD; one thread in Node, Deno and Bun). */

import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { registerGradients } from "./gradients/register.ts";

/**
 * Makes wasm the backend of TensorFlow.js and registers what training needs. Cheap when it is done already. In a page,
 * first set where its .wasm files are (`setWasmPaths` of `@tensorflow/tfjs-backend-wasm`).
 *
 * @throws {Error} when it does not start.
 *
 * @example
 * await startBackend();
 */
export async function startBackend(): Promise<void> {
  registerGradients();
  if (!(await tf.setBackend("wasm"))) throw new Error("TensorFlow.js backend wasm did not start, expected it to");
  await tf.ready();
}
