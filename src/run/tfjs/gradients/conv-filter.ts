/**
 * Gradient of a convolution's filter, which TensorFlow.js's wasm backend has not got, by convolutions that it has:
 *
 *     dW[h, w, i, o] = Σ over b, y, x of  X[b, y·stride + h, x·stride + w, i] · dY[b, y, x, o]
 *
 * is a convolution of X with the filter dY in which batch and channels change places, dilated by the stride. Its output
 * has only i·h·w rows for XNNPACK to share out. If these are few (i ≤ 4), or there is one tap, one matrix product is
 * faster: dW = columns(X)ᵀ·dY. A convolution with the identity makes the columns.
 *
 * GFLOP/s of useful work, dilated / columns, batch 32: 28×28×1→32 k3 1.1 / 5.1; 28×28×3→32 k3 3.1 / 5.8; 28×28×8→32 k3
 * 9.0 / 4.7. Also 14×14×32→32 k3 12.9 / 2.0; 14×14×32→64 k1 5.5 / 14.5, at stride 2 3.2 / 12.7.
 */

import * as tf from "@tensorflow/tfjs-core";
import { type ConvAttributes, type ConvInfo, convInfo, type Shape4D, stridesOf } from "./conv-info.ts";
import { fitPlane } from "./fit.ts";

/** Input channels up to which columns beat the dilated convolution. */
const FEW_CHANNELS = 4;

/** Kernel `Conv2DBackpropFilter` for the wasm backend. */
export const convFilterKernel: tf.KernelConfig = {
  kernelName: tf.Conv2DBackpropFilter,
  backendName: "wasm",
  kernelFunc: ({ inputs, attrs }) => {
    const { x, dy } = inputs as unknown as { x: tf.Tensor4D; dy: tf.Tensor4D };
    const attributes = attrs as unknown as ConvAttributes & { filterShape: Shape4D };
    const info = convInfo(tf.Conv2DBackpropFilter, attributes, x.shape, attributes.filterShape);
    const { filterHeight, filterWidth, inChannels } = info;
    const byColumns = filterHeight * filterWidth === 1 || inChannels <= FEW_CHANNELS;
    return tf.tidy(() => (byColumns ? columnsGradient(x, dy, info) : dilatedGradient(x, dy, info)));
  },
};

function dilatedGradient(x: tf.Tensor4D, dy: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  const { filterHeight, filterWidth, inChannels, outChannels } = info;
  const channelsAsBatch = tf.transpose(padded(x, info), [3, 1, 2, 0]) as tf.Tensor4D;
  const outputAsFilter = tf.transpose(dy, [1, 2, 0, 3]) as tf.Tensor4D;
  const full = tf.conv2d(channelsAsBatch, outputAsFilter, 1, "valid", "NHWC", stridesOf(info));
  // Where the stride does not divide, the last rows of X were read by no tap: they make rows too many here.
  const taps = tf.slice(full, [0, 0, 0, 0], [inChannels, filterHeight, filterWidth, outChannels]);
  return tf.transpose(taps, [1, 2, 0, 3]);
}

function columnsGradient(x: tf.Tensor4D, dy: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  const { filterHeight, filterWidth, inChannels, outChannels } = info;
  const size = filterHeight * filterWidth * inChannels;
  const positions = dy.size / outChannels;
  const strides = stridesOf(info);
  const aligned = padded(x, info);
  const trivial = size === inChannels && strides[0] * strides[1] === 1;
  const identity = (): tf.Tensor4D => tf.reshape(tf.eye(size), [filterHeight, filterWidth, inChannels, size]);
  const columns = trivial ? aligned : tf.conv2d(aligned, identity(), strides, "valid");
  const product = tf.matMul(
    tf.transpose(tf.reshape(columns, [positions, size])),
    tf.reshape(dy, [positions, outChannels]),
  );
  return tf.reshape(product, info.filterShape as Shape4D);
}

function padded(x: tf.Tensor4D, { padInfo: { top, bottom, left, right } }: ConvInfo): tf.Tensor4D {
  return fitPlane(x, [top, bottom], [left, right]);
}
