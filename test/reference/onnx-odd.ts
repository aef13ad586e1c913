/** Networks of images as ONNX files with operators and windows that `Graph` does not have, or in other layouts. */

import { convNorm, onnxNetwork } from "./onnx-networks.ts";

/** How a file differs from the plain network of the same tensors. */
export interface Oddness {
  /** ReLU as an operator of another name. */
  readonly odd?: boolean;
  readonly layout?: "nchw" | "nhwc";
  /** Fixed in the file. */
  readonly batch?: number;
  readonly end?: "Softmax" | "Sigmoid";
  /** Of the images; 3 where nothing is said. */
  readonly channels?: number;
}

/** Two convolutions with BatchNorm, a pool, and two matrices: images of 8×8, four classes. */
export function twinOnnx(
  seed: number,
  { odd = false, layout = "nchw", batch, end, channels = 3 }: Oddness = {},
): Uint8Array<ArrayBuffer> {
  const net = onnxNetwork(seed);
  const relu = (value: string): string =>
    odd ? net.add("ThresholdedRelu", [value], { alpha: 0 }) : net.add("Relu", [value]);
  let value = layout === "nchw" ? "x" : net.add("Transpose", ["x"], { perm: [0, 3, 1, 2] });
  for (const [at, into, out] of [
    [0, channels, 6],
    [4, 6, 8],
  ] as const)
    value = net.add("MaxPool", [relu(convNorm(net, value, [`features.${at}`, `features.${at + 1}`], [into, out]))], {
      kernel_shape: [2, 2],
      strides: [2, 2],
    });
  value = net.add("Flatten", [value], { axis: 1 });
  const dense = (at: number, into: number, out: number): string =>
    net.add(
      "Gemm",
      [value, net.weight(`classifier.${at}.weight`, [out, into]), net.weight(`classifier.${at}.bias`, [out], 0.3)],
      { transB: 1 },
    );
  value = relu(dense(1, 32, 9));
  value = dense(3, 9, 4);
  if (end !== undefined) value = net.add(end, [value]);
  return net.bytes({ x: layout === "nchw" ? [batch ?? "n", channels, 8, 8] : [batch ?? "n", 8, 8, channels] }, [value]);
}

/** A window of uneven strides and dilations, groups, a transposed kernel, rows of tokens and an average: 8×8×4. */
export function windowsOnnx(seed: number): Uint8Array<ArrayBuffer> {
  const net = onnxNetwork(seed);
  let value = net.add("Conv", ["x", net.weight("wide.weight", [6, 4, 3, 2]), net.weight("wide.bias", [6], 0.3)], {
    ...{ kernel_shape: [3, 2], strides: [1, 2], dilations: [2, 1], pads: [2, 0, 1, 1] },
  });
  value = net.add("LeakyRelu", [value], { alpha: 0.1 });
  value = net.add("Conv", [value, net.weight("grouped.weight", [8, 3, 3, 3]), net.weight("grouped.bias", [8], 0.3)], {
    ...{ kernel_shape: [3, 3], pads: [1, 1, 1, 1], group: 2 },
  });
  value = net.add("LeakyRelu", [value], { alpha: 0.1 });
  value = net.add("ConvTranspose", [value, net.weight("up.weight", [8, 5, 2, 2]), net.weight("up.bias", [5], 0.3)], {
    ...{ kernel_shape: [2, 2], strides: [2, 2] },
  });
  value = net.add("Reshape", [net.add("Transpose", [value], { perm: [0, 2, 3, 1] }), net.ints("rows", 0, -1, 5)]);
  value = net.add("MatMul", [value, net.weight("tokens.weight", [5, 7])]);
  value = net.add("Sigmoid", [net.add("Add", [value, net.weight("tokens.bias", [7], 0.3)])]);
  value = net.add("ReduceMean", [value], { axes: [1], keepdims: 0 });
  value = net.add("Gemm", [value, net.weight("head.weight", [7, 3]), net.weight("head.bias", [3], 0.3)]);
  return net.bytes({ x: ["n", 4, 8, 8] }, [value]);
}
