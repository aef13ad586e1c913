/**
 * Cloning without copying. The wasm backend's `Identity` copies, and TensorFlow.js clones every tensor that it saves for
 * a gradient; data never changes once made, so that a count of users does, as for `Reshape`.
 */

import type * as tf from "@tensorflow/tfjs-core";

/** What the backend's `Identity` is wrapped in; strings, which live elsewhere, go the old way. */
export function sharedIdentity(native: tf.KernelConfig): tf.KernelConfig {
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
