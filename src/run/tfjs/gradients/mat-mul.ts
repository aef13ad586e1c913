/**
 * The wasm backend multiplies matrices by XNNPACK, but falls to a plain loop of about 1 GFLOP/s when one of them is
 * flagged as transposed. In the gradient of a product both are. Transposing first is 6–8 times faster for a whole
 * training step of an MLP.
 */

import * as tf from "@tensorflow/tfjs-core";

/** The backend's own `BatchMatMul`, called with nothing left to transpose. */
export function explicitTransposes(native: tf.KernelConfig): tf.KernelConfig {
  return {
    ...native,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { a, b } = inputs as unknown as { a: tf.Tensor; b: tf.Tensor };
      const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
      const run = (left: tf.Tensor, right: tf.Tensor): tf.TensorInfo =>
        native.kernelFunc({
          inputs: { a: left, b: right },
          backend,
          attrs: { transposeA: false, transposeB: false },
        }) as tf.TensorInfo;
      if (!transposeA && !transposeB) return run(a, b);
      const left = transposeA ? transposed(a) : a;
      const right = transposeB ? transposed(b) : b;
      const product = run(left, right);
      if (transposeA) left.dispose();
      if (transposeB) right.dispose();
      return product;
    },
  };
}

/** Last two axes changing places. */
function transposed(x: tf.Tensor): tf.Tensor {
  const axes = x.shape.map((_, i) => i);
  const rank = axes.length;
  return tf.tidy(() => tf.transpose(x, [...axes.slice(0, -2), rank - 1, rank - 2]));
}
