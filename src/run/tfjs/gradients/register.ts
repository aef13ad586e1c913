/** Gives TensorFlow.js what training on its wasm backend lacks. */

import * as tf from "@tensorflow/tfjs-core";
import { convFilterKernel } from "./conv-filter.ts";
import { convInputKernel } from "./conv-input.ts";
import { depthwiseFilterKernel, depthwiseInputKernel } from "./depthwise.ts";
import { elementwiseGradients } from "./elementwise.ts";
import { explicitTransposes } from "./mat-mul.ts";
import { networkGradients } from "./networks.ts";
import { reductionGradients } from "./reductions.ts";
import { shapeGradients } from "./shapes.ts";
import { sumByProduct } from "./sums.ts";

const KERNELS = [convFilterKernel, convInputKernel, depthwiseFilterKernel, depthwiseInputKernel];

const WRAPPERS: Readonly<Record<string, (native: tf.KernelConfig) => tf.KernelConfig>> = {
  [tf.BatchMatMul]: explicitTransposes,
  [tf.Identity]: sharedIdentity,
  [tf.Sum]: sumByProduct,
  [tf.Mean]: sumByProduct,
};

const GRADIENTS = [...elementwiseGradients, ...shapeGradients, ...reductionGradients, ...networkGradients];

/** Kernels that are ours: a second registration finds them, also one of another copy of this module. */
const ours = Symbol.for("rebasin.gradients");

/**
 * Registers gradients and kernels with TensorFlow.js; safe to call again.
 *
 * - Gradients of some sixty kernels, where none is registered: `@tensorflow/tfjs-core` alone brings none. Those that
 *   `@tensorflow/tfjs` or `tfjs-layers` registered stay.
 * - Kernels for the wasm backend, which must be imported before: gradients of convolutions and depthwise convolutions
 *   (it lacks them, or has slow ones). Then transposed matrix products without its slow path, sums over leading axes,
 *   and clones that share their data.
 *
 * @throws {Error} when the wasm backend is not imported.
 *
 * @example
 * import "@tensorflow/tfjs-backend-wasm";
 * registerGradients();
 * await tf.setBackend("wasm");
 */
export function registerGradients(): void {
  for (const gradient of GRADIENTS) {
    if (tf.getGradient(gradient.kernelName) === undefined) tf.registerGradient(gradient);
  }
  for (const kernel of KERNELS) replace(kernel.kernelName, () => kernel);
  for (const [name, wrap] of Object.entries(WRAPPERS)) {
    replace(name, (native) => {
      if (native === undefined)
        throw new Error(`kernel ${name} of the wasm backend is missing, expected @tensorflow/tfjs-backend-wasm`);
      return wrap(native);
    });
  }
}

function replace(name: string, make: (native: tf.KernelConfig | undefined) => tf.KernelConfig): void {
  const native = tf.getKernel(name, "wasm");
  if (native !== undefined && ours in native) return;
  const kernel = { ...make(native), [ours]: true };
  if (native !== undefined) tf.unregisterKernel(name, "wasm");
  tf.registerKernel(kernel);
}

/**
 * The backend's `Identity`, without its copy. TensorFlow.js clones every tensor that it saves for a gradient, and data
 * never changes once made: a count of users is enough, as for `Reshape`. Strings, which live elsewhere, are still
 * copied.
 */
function sharedIdentity(native: tf.KernelConfig): tf.KernelConfig {
  return {
    ...native,
    kernelFunc: (call) => {
      const { x } = call.inputs as unknown as { x: tf.TensorInfo };
      if (x.dtype === "string") return native.kernelFunc(call);
      (call.backend as { incRef(dataId: object): void }).incRef(x.dataId);
      return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
    },
  };
}
