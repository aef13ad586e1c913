/** VGG with BatchNorm and ResNet with LayerNorm in plain loops over f64: slow and obvious, with PyTorch's names and padding. */

import type { Rng } from "../../src/rng.ts";
import type { Tensors } from "./networks.ts";
import { gaussianArray } from "./random.ts";

/** Channel-major values of one image. */
interface Image {
  readonly channels: number;
  readonly side: number;
  readonly data: Float64Array;
}

const makeImage = (channels: number, side: number, at: (c: number, y: number, x: number) => number): Image => ({
  channels,
  side,
  data: Float64Array.from({ length: channels * side * side }, (_, i) =>
    at(Math.floor(i / (side * side)), Math.floor(i / side) % side, i % side),
  ),
});
const pixel = ({ side, data }: Image, c: number, y: number, x: number): number =>
  y < 0 || x < 0 || y >= side || x >= side ? 0 : data[(c * side + y) * side + x]!;
const vector = (tensors: Tensors, name: string): Float32Array => tensors.get(name)!.data;
const relu = (image: Image): Image => ({ ...image, data: image.data.map((value) => Math.max(0, value)) });

/** 3×3, padding 1 on every side. */
function conv(tensors: Tensors, name: string, image: Image, stride: number): Image {
  const { shape, data } = tensors.get(`${name}.weight`)!;
  const bias = tensors.get(`${name}.bias`)?.data;
  return makeImage(shape[0]!, Math.floor((image.side - 1) / stride) + 1, (o, y, x) => {
    let sum = bias?.[o] ?? 0;
    for (let i = 0; i < image.channels; i++) {
      for (let k = 0; k < 9; k++) {
        const value = pixel(image, i, y * stride + Math.floor(k / 3) - 1, x * stride + (k % 3) - 1);
        sum += data[(o * image.channels + i) * 9 + k]! * value;
      }
    }
    return sum;
  });
}

function batchNorm(tensors: Tensors, name: string, image: Image): Image {
  const [weight, bias] = [vector(tensors, `${name}.weight`), vector(tensors, `${name}.bias`)];
  const [mean, variance] = [vector(tensors, `${name}.running_mean`), vector(tensors, `${name}.running_var`)];
  return makeImage(image.channels, image.side, (c, y, x) => {
    const centred = pixel(image, c, y, x) - mean[c]!;
    return (centred / Math.sqrt(variance[c]! + 1e-5)) * weight[c]! + bias[c]!;
  });
}

/** Over the channels of each position. */
function layerNorm(tensors: Tensors, name: string, image: Image): Image {
  const [weight, bias] = [vector(tensors, `${name}.weight`), vector(tensors, `${name}.bias`)];
  return makeImage(image.channels, image.side, (c, y, x) => {
    const column = Array.from({ length: image.channels }, (_, i) => pixel(image, i, y, x));
    const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
    const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length;
    return ((column[c]! - mean) / Math.sqrt(variance + 1e-6)) * weight[c]! + bias[c]!;
  });
}

function maxPool(image: Image): Image {
  return makeImage(image.channels, Math.floor(image.side / 2), (c, y, x) => {
    const corners = [0, 1, 2, 3].map((k) => pixel(image, c, 2 * y + (k >> 1), 2 * x + (k & 1)));
    return Math.max(...corners);
  });
}

function dense(tensors: Tensors, name: string, input: ArrayLike<number>): Float64Array {
  const { shape, data } = tensors.get(`${name}.weight`)!;
  return Float64Array.from({ length: shape[0]! }, (_, o) => {
    let sum = vector(tensors, `${name}.bias`)[o]!;
    for (let i = 0; i < input.length; i++) sum += data[o * input.length + i]! * input[i]!;
    return sum;
  });
}

/** A network of random tensors and its forward pass over one grey image. */
export interface ImageNetwork {
  readonly tensors: Tensors;
  readonly side: number;
  logits(pixels: ArrayLike<number>): Float64Array;
}

function randomTensors(shapes: Record<string, number[]>, rng: Rng): Tensors {
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const count = shape.reduce((product, size) => product * size, 1);
      const data = gaussianArray(count, rng, shape.length > 1 ? Math.sqrt((2 * shape[0]!) / count) : 1);
      return [name, { shape, data: name.endsWith("running_var") ? data.map((value) => 0.5 + Math.abs(value)) : data }];
    }),
  );
}

/** conv 3, pool, conv 4, conv 5 on 9×9 images (odd sides drop a row), a pool at the end on request; dense 6, 4. */
export function vggNetwork(rng: Rng, poolAtEnd: boolean): ImageNetwork {
  const side = 9;
  const lastSide = poolAtEnd ? 2 : 4;
  const shapes: Record<string, number[]> = {};
  let channels = 1;
  for (const [index, width] of [
    [0, 3],
    [4, 4],
    [7, 5],
  ] as const) {
    shapes[`features.${index}.weight`] = [width, channels, 3, 3];
    shapes[`features.${index}.bias`] = [width];
    for (const part of ["weight", "bias", "running_mean", "running_var"])
      shapes[`features.${index + 1}.${part}`] = [width];
    channels = width;
  }
  Object.assign(shapes, { "classifier.1.weight": [6, channels * lastSide ** 2], "classifier.1.bias": [6] });
  Object.assign(shapes, { "classifier.3.weight": [4, 6], "classifier.3.bias": [4] });
  const tensors = randomTensors(shapes, rng);
  const block = (index: number, image: Image): Image =>
    relu(batchNorm(tensors, `features.${index + 1}`, conv(tensors, `features.${index}`, image, 1)));
  return {
    tensors,
    side,
    logits(pixels) {
      const features = block(7, block(4, maxPool(block(0, { channels: 1, side, data: Float64Array.from(pixels) }))));
      const { data } = poolAtEnd ? maxPool(features) : features;
      const hidden = dense(tensors, "classifier.1", data).map((value) => Math.max(0, value));
      return dense(tensors, "classifier.3", hidden);
    },
  };
}

/** Three stages of 4, 5 and 6 channels with two blocks each, on images of side × side. */
export function resnetNetwork(rng: Rng, side: number): ImageNetwork {
  const shapes: Record<string, number[]> = {};
  const addConv = (conv: string, norm: string, width: number, from: number): void => {
    shapes[`${conv}.weight`] = [width, from, 3, 3];
    shapes[`${norm}.weight`] = [width];
    shapes[`${norm}.bias`] = [width];
  };
  const widths = [4, 5, 6];
  addConv("conv1", "norm1", 4, 1);
  const prefixes = [1, 2, 3].flatMap((stage) =>
    [0, 1].map((block) => ({ stage, block, prefix: `layer${stage}.${block}` })),
  );
  for (const { stage, block, prefix } of prefixes) {
    const width = widths[stage - 1]!;
    const from = block === 0 && stage > 1 ? widths[stage - 2]! : width;
    addConv(`${prefix}.conv1`, `${prefix}.norm1`, width, from);
    addConv(`${prefix}.conv2`, `${prefix}.norm2`, width, width);
    if (from !== width) addConv(`${prefix}.shortcut.0`, `${prefix}.shortcut.1`, width, from);
  }
  Object.assign(shapes, { "fc.weight": [4, 6], "fc.bias": [4] });
  const tensors = randomTensors(shapes, rng);
  const convNorm = (name: string, norm: string, image: Image, stride: number): Image =>
    layerNorm(tensors, norm, conv(tensors, name, image, stride));
  return {
    tensors,
    side,
    logits(pixels) {
      let image = relu(convNorm("conv1", "norm1", { channels: 1, side, data: Float64Array.from(pixels) }, 1));
      for (const { stage, block, prefix } of prefixes) {
        const stride = stage > 1 && block === 0 ? 2 : 1;
        const inner = relu(convNorm(`${prefix}.conv1`, `${prefix}.norm1`, image, stride));
        const outer = convNorm(`${prefix}.conv2`, `${prefix}.norm2`, inner, 1);
        const skipped = stride === 2 ? convNorm(`${prefix}.shortcut.0`, `${prefix}.shortcut.1`, image, 2) : image;
        image = relu({ ...outer, data: outer.data.map((value, i) => value + skipped.data[i]!) });
      }
      const area = image.side ** 2;
      const means = Float64Array.from(
        { length: image.channels },
        (_, c) => image.data.subarray(c * area, (c + 1) * area).reduce((a, b) => a + b) / area,
      );
      return dense(tensors, "fc", means);
    },
  };
}
