/** Gradients of depthwise convolutions, which TensorFlow.js's wasm backend has not got, as depthwise convolutions. */

import * as tf from "@tensorflow/tfjs-core";
import { type ConvAttributes, type ConvInfo, convInfo, dilationsOf, type Shape4D, stridesOf } from "./conv-info.ts";
import { fitPlane, fullMargins, spread } from "./fit.ts";

/** Kernel `DepthwiseConv2dNativeBackpropFilter` for the wasm backend. */
export const depthwiseFilterKernel: tf.KernelConfig = {
  kernelName: tf.DepthwiseConv2dNativeBackpropFilter,
  backendName: "wasm",
  kernelFunc: ({ inputs, attrs }) => {
    const { x, dy } = inputs as unknown as { x: tf.Tensor4D; dy: tf.Tensor4D };
    const attributes = attrs as unknown as ConvAttributes & { filterShape: Shape4D };
    const info = convInfo(tf.DepthwiseConv2dNativeBackpropFilter, attributes, x.shape, attributes.filterShape);
    return tf.tidy(() => filterGradient(x, dy, info));
  },
};

/** Kernel `DepthwiseConv2dNativeBackpropInput` for the wasm backend. */
export const depthwiseInputKernel: tf.KernelConfig = {
  kernelName: tf.DepthwiseConv2dNativeBackpropInput,
  backendName: "wasm",
  kernelFunc: ({ inputs, attrs }) => {
    const { dy, filter } = inputs as unknown as { dy: tf.Tensor4D; filter: tf.Tensor4D };
    const attributes = attrs as unknown as ConvAttributes & { inputShape: Shape4D };
    const info = convInfo(tf.DepthwiseConv2dNativeBackpropInput, attributes, attributes.inputShape, filter.shape);
    return tf.tidy(() => inputGradient(dy, filter, info));
  },
};

/** Outputs of each input channel. */
function multiplier(info: ConvInfo): number {
  return info.outChannels / info.inChannels;
}

/**
 * A depthwise convolution sums over positions only, so every image has separate channels: [1, H, W, B·C] with the
 * filter dY as [Ho, Wo, B·C, multiplier]. Strides and dilations change places. Then the sum over images.
 */
function filterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  const { batchSize, inChannels, outHeight, outWidth, filterHeight, filterWidth, padInfo } = info;
  const aligned = fitPlane(x, [padInfo.top, padInfo.bottom], [padInfo.left, padInfo.right]);
  const channels = batchSize * inChannels;
  const [, height, width] = aligned.shape;
  const image = tf.reshape(tf.transpose(aligned, [1, 2, 0, 3]), [1, height, width, channels]) as tf.Tensor4D;
  const each = multiplier(info);
  const filter = tf.reshape(tf.transpose(dy, [1, 2, 0, 3]), [outHeight, outWidth, channels, each]) as tf.Tensor4D;
  const full = tf.depthwiseConv2d(image, filter, dilationsOf(info), "valid", "NHWC", stridesOf(info));
  const taps = tf.slice(full, [0, 0, 0, 0], [1, filterHeight, filterWidth, channels * each]);
  const byImage = tf.reshape(taps, [filterHeight, filterWidth, batchSize, inChannels * each]);
  return tf.reshape(tf.sum(byImage, 2), [filterHeight, filterWidth, inChannels, each]);
}

/** dY spread by the stride, with the taps reversed; then the sum over the outputs of each channel. */
function inputGradient(dy: tf.Tensor4D, filter: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  const { filterHeight, filterWidth, outChannels, inHeight, inWidth, padInfo } = info;
  const taps = tf.reshape(tf.reverse(filter, [0, 1]), [filterHeight, filterWidth, outChannels, 1]) as tf.Tensor4D;
  const spreaded = spread(dy, ...stridesOf(info));
  const [dilationHeight, dilationWidth] = dilationsOf(info);
  const rows = { size: inHeight, taps: filterHeight, pad: padInfo.top, dilation: dilationHeight };
  const columns = { size: inWidth, taps: filterWidth, pad: padInfo.left, dilation: dilationWidth };
  const fitted = fitPlane(spreaded, fullMargins(rows, spreaded.shape[1]), fullMargins(columns, spreaded.shape[2]));
  const dx = tf.depthwiseConv2d(fitted, taps, 1, "valid", "NHWC", [dilationHeight, dilationWidth]);
  if (multiplier(info) === 1) return dx;
  return tf.sum(tf.reshape(dx, [...info.inShape, multiplier(info)] as number[]), 4);
}
