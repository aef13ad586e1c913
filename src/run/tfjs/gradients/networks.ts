/** Gradients of products, convolutions, pools and BatchNorm. They run on the kernels beside this file. */

import * as tf from "@tensorflow/tfjs-core";
import { sumToShape } from "./broadcasting.ts";
import type { ConvAttributes, Shape4D } from "./conv-info.ts";

function run(kernelName: string, inputs: Record<string, tf.Tensor>, attributes: object): tf.Tensor {
  return tf.engine().runKernel(kernelName, inputs, attributes as never);
}

function checkUndilated(kernelName: string, { dilations }: ConvAttributes): void {
  const pair = typeof dilations === "number" ? [dilations] : (dilations ?? [1]);
  if (pair.some((dilation) => dilation !== 1))
    throw new RangeError(`gradient of ${kernelName} has dilations ${pair}, expected 1`);
}

/** Gradients with respect to input and filter, by their two kernels. */
function convolution(kernelName: string, inputKernel: string, filterKernel: string): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: ["x", "filter"],
    gradFunc: (dy, [x, filter], attributes) => {
      const geometry = attributes as unknown as ConvAttributes;
      if (kernelName === tf.Conv2D) checkUndilated(kernelName, geometry);
      const inputs = { dy: dy as tf.Tensor };
      return {
        x: () => run(inputKernel, { ...inputs, filter: filter! }, { ...geometry, inputShape: x!.shape }),
        filter: () => run(filterKernel, { ...inputs, x: x! }, { ...geometry, filterShape: filter!.shape }),
      };
    },
  };
}

/** dA and dB of a product in which either may be transposed. */
function productGradient(
  dy: tf.Tensor,
  a: tf.Tensor,
  b: tf.Tensor,
  transposeA: boolean,
  transposeB: boolean,
): tf.NamedTensorMap | Record<string, () => tf.Tensor> {
  const left = (): tf.Tensor =>
    transposeA ? tf.matMul(b, dy, transposeB, true) : tf.matMul(dy, b, false, !transposeB);
  const right = (): tf.Tensor =>
    transposeB ? tf.matMul(dy, a, true, transposeA) : tf.matMul(a, dy, !transposeA, false);
  // Batch axes broadcast: what one matrix gave to many it gets back from all.
  return { a: () => sumToShape(left(), a.shape), b: () => sumToShape(right(), b.shape) };
}

interface PoolAttributes extends Pick<ConvAttributes, "strides" | "pad" | "dimRoundingMode"> {
  readonly filterSize: [number, number] | number;
}

/**
 * Size of an average pool's window over the number of inputs it met, `[1, height, width, 1]`: means leave padding out,
 * the backends' gradient kernels count it.
 */
function paddedShare(input: Shape4D, { filterSize, strides, pad, dimRoundingMode }: PoolAttributes): tf.Tensor {
  const info = tf.backend_util.computePool2DInfo(input, filterSize, strides, 1, pad as "same", dimRoundingMode);
  const { padInfo, filterHeight, filterWidth, inHeight, inWidth, outHeight, outWidth } = info;
  const met = (out: number, stride: number, before: number, window: number, size: number): number[] =>
    Array.from({ length: out }, (_, i) => {
      const start = i * stride - before;
      return Math.min(start + window, size) - Math.max(start, 0);
    });
  const rows = met(outHeight, info.strideHeight, padInfo.top, filterHeight, inHeight);
  const columns = met(outWidth, info.strideWidth, padInfo.left, filterWidth, inWidth);
  const share = rows.flatMap((row) => columns.map((column) => (filterHeight * filterWidth) / (row * column)));
  return tf.tensor(share, [1, outHeight, outWidth, 1]);
}

/** BatchNorm with given statistics: y = (x − mean)·rsqrt(variance + ε)·scale + offset. All broadcast to x. */
function batchNormGradient(dy: tf.Tensor, saved: readonly (tf.Tensor | undefined)[], epsilon: number) {
  const [x, mean, variance, scale = tf.scalar(1)] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor?];
  const inverse = tf.rsqrt(tf.add(variance, epsilon));
  const centred = tf.sub(x, mean);
  const sumOf = (values: tf.Tensor): tf.Tensor => sumToShape(values, mean.shape);
  return {
    x: () => tf.mul(dy, tf.mul(inverse, scale)),
    mean: () => tf.neg(tf.mul(sumOf(dy), tf.mul(inverse, scale))),
    variance: () =>
      tf.mul(sumOf(tf.mul(dy, centred)), tf.mul(tf.mul(scale, -0.5), tf.mul(inverse, tf.square(inverse)))),
    scale: () => tf.mul(sumOf(tf.mul(dy, centred)), inverse),
    offset: () => sumOf(dy),
  };
}

/** Gradients of what networks are made of. */
export const networkGradients: readonly tf.GradConfig[] = [
  convolution(tf.Conv2D, tf.Conv2DBackpropInput, tf.Conv2DBackpropFilter),
  convolution(tf.DepthwiseConv2dNative, tf.DepthwiseConv2dNativeBackpropInput, tf.DepthwiseConv2dNativeBackpropFilter),
  {
    // conv2dTranspose: its derivatives are those of the convolution, with input and output changing places.
    kernelName: tf.Conv2DBackpropInput,
    inputsToSave: ["dy", "filter"],
    gradFunc: (ddx, [dy, filter], attributes) => {
      const { strides, pad } = attributes as unknown as ConvAttributes;
      const geometry = { ...attributes, filterShape: filter!.shape };
      const x = ddx as tf.Tensor4D;
      return {
        dy: () => tf.conv2d(x, filter as tf.Tensor4D, strides, pad),
        filter: () => run(tf.Conv2DBackpropFilter, { x, dy: dy! }, geometry),
      };
    },
  },
  {
    kernelName: tf.BatchMatMul,
    inputsToSave: ["a", "b"],
    gradFunc: (dy, [a, b], attributes) => {
      const { transposeA, transposeB } = attributes as unknown as { transposeA: boolean; transposeB: boolean };
      return productGradient(dy as tf.Tensor, a!, b!, transposeA, transposeB) as Record<string, () => tf.Tensor>;
    },
  },
  {
    kernelName: tf.MaxPool,
    inputsToSave: ["x"],
    outputsToSave: [true],
    gradFunc: (dy, [input, output], attributes) => ({
      x: () => run(tf.MaxPoolGrad, { dy: dy as tf.Tensor, input: input!, output: output! }, attributes),
    }),
  },
  {
    kernelName: tf.AvgPool,
    inputsToSave: ["x"],
    gradFunc: (dy, [input], attributes) => ({
      x: () => {
        const full = tf.mul(
          dy as tf.Tensor,
          paddedShare(input!.shape as Shape4D, attributes as unknown as PoolAttributes),
        );
        return run(tf.AvgPoolGrad, { dy: full, input: input! }, attributes);
      },
    }),
  },
  {
    kernelName: tf.FusedBatchNorm,
    inputsToSave: ["x", "mean", "variance", "scale"],
    gradFunc: (dy, saved, attributes) => {
      const { varianceEpsilon } = attributes as unknown as { varianceEpsilon: number };
      return batchNormGradient(dy as tf.Tensor, saved, varianceEpsilon);
    },
  },
];
