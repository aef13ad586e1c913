/** What networks of images compute, in plain loops over f64: slow and obvious, with PyTorch's padding. */

import type { Tensors } from "./networks.ts";

/** Channel-major values of one image. */
export interface Image {
  readonly channels: number;
  readonly side: number;
  readonly data: Float64Array;
}

export const makeImage = (channels: number, side: number, at: (c: number, y: number, x: number) => number): Image => ({
  channels,
  side,
  data: Float64Array.from({ length: channels * side * side }, (_, i) =>
    at(Math.floor(i / (side * side)), Math.floor(i / side) % side, i % side),
  ),
});
export const pixel = ({ side, data }: Image, c: number, y: number, x: number): number =>
  y < 0 || x < 0 || y >= side || x >= side ? 0 : data[(c * side + y) * side + x]!;
export const vector = (tensors: Tensors, name: string): Float32Array => tensors.get(name)!.data;
export const relu = (image: Image): Image => ({ ...image, data: image.data.map((value) => Math.max(0, value)) });

/** k×k for odd k, padded by (k−1)/2 on every side. */
export function conv(tensors: Tensors, name: string, image: Image, stride: number): Image {
  const { shape, data } = tensors.get(`${name}.weight`)!;
  const bias = tensors.get(`${name}.bias`)?.data;
  const side = shape[2]!;
  const padding = (side - 1) / 2;
  return makeImage(shape[0]!, Math.floor((image.side - 1) / stride) + 1, (o, y, x) => {
    let sum = bias?.[o] ?? 0;
    for (let i = 0; i < image.channels; i++) {
      for (let k = 0; k < side * side; k++) {
        const [dy, dx] = [Math.floor(k / side) - padding, (k % side) - padding];
        sum += data[(o * image.channels + i) * side * side + k]! * pixel(image, i, y * stride + dy, x * stride + dx);
      }
    }
    return sum;
  });
}

export function batchNorm(tensors: Tensors, name: string, image: Image): Image {
  const [weight, bias] = [vector(tensors, `${name}.weight`), vector(tensors, `${name}.bias`)];
  const [mean, variance] = [vector(tensors, `${name}.running_mean`), vector(tensors, `${name}.running_var`)];
  return makeImage(image.channels, image.side, (c, y, x) => {
    const centred = pixel(image, c, y, x) - mean[c]!;
    return (centred / Math.sqrt(variance[c]! + 1e-5)) * weight[c]! + bias[c]!;
  });
}

/** Over the channels of each position. */
export function layerNorm(tensors: Tensors, name: string, image: Image): Image {
  const [weight, bias] = [vector(tensors, `${name}.weight`), vector(tensors, `${name}.bias`)];
  return makeImage(image.channels, image.side, (c, y, x) => {
    const column = Array.from({ length: image.channels }, (_, i) => pixel(image, i, y, x));
    const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
    const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length;
    return ((column[c]! - mean) / Math.sqrt(variance + 1e-6)) * weight[c]! + bias[c]!;
  });
}

/** BatchNorm, LayerNorm or nothing, by the tensors that there are. */
export function norm(tensors: Tensors, name: string, image: Image): Image {
  if (!tensors.has(`${name}.weight`)) return image;
  return tensors.has(`${name}.running_mean`) ? batchNorm(tensors, name, image) : layerNorm(tensors, name, image);
}

export function maxPool(image: Image): Image {
  return makeImage(image.channels, Math.floor(image.side / 2), (c, y, x) => {
    const corners = [0, 1, 2, 3].map((k) => pixel(image, c, 2 * y + (k >> 1), 2 * x + (k & 1)));
    return Math.max(...corners);
  });
}

export function dense(tensors: Tensors, name: string, input: ArrayLike<number>): Float64Array {
  const { shape, data } = tensors.get(`${name}.weight`)!;
  return Float64Array.from({ length: shape[0]! }, (_, o) => {
    let sum = vector(tensors, `${name}.bias`)[o]!;
    for (let i = 0; i < input.length; i++) sum += data[o * input.length + i]! * input[i]!;
    return sum;
  });
}
export function add(a: Image, b: Image): Image {
  return { ...a, data: a.data.map((value, i) => value + b.data[i]!) };
}

export function channelMeans({ channels, side, data }: Image): Float64Array {
  const area = side ** 2;
  return Float64Array.from(
    { length: channels },
    (_, c) => data.subarray(c * area, (c + 1) * area).reduce((a, b) => a + b) / area,
  );
}
