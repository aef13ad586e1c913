/** The geometry of a convolution from the attributes of its gradient kernels. */

import * as tf from "@tensorflow/tfjs-core";

/** What TensorFlow.js hands to the four kernels; depthwise ones have dilations too. */
export interface ConvAttributes {
  readonly strides: [number, number] | number;
  readonly pad: "valid" | "same" | number | tf.backend_util.ExplicitPadding;
  readonly dataFormat?: "NHWC" | "NCHW" | undefined;
  readonly dilations?: [number, number] | number | undefined;
  readonly dimRoundingMode?: "floor" | "round" | "ceil" | undefined;
}

export type Shape4D = [number, number, number, number];
export type ConvInfo = tf.backend_util.Conv2DInfo;

/** Throws `RangeError` for channels-first tensors, as the forward kernels of the backend do in their own way. */
export function convInfo(kernel: string, attributes: ConvAttributes, input: Shape4D, filter: Shape4D): ConvInfo {
  const { strides, pad, dataFormat, dilations, dimRoundingMode } = attributes;
  if (dataFormat === "NCHW") throw new RangeError(`${kernel} on the wasm backend has data format NCHW, expected NHWC`);
  const depthwise = kernel.startsWith("Depthwise");
  return tf.backend_util.computeConv2DInfo(input, filter, strides, dilations ?? 1, pad, dimRoundingMode, depthwise);
}

/** Strides and dilations as pairs. */
export function stridesOf(info: ConvInfo): [number, number] {
  return [info.strideHeight, info.strideWidth];
}

export function dilationsOf(info: ConvInfo): [number, number] {
  return [info.dilationHeight, info.dilationWidth];
}
