/** VGG and ResNet in plain loops over f64: slow and obvious, with PyTorch's names and padding, or Flax's for VGG. */

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

/** k×k for odd k, padded by (k−1)/2 on every side. */
function conv(tensors: Tensors, name: string, image: Image, stride: number): Image {
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

/** BatchNorm, LayerNorm or nothing, by the tensors that there are. */
function norm(tensors: Tensors, name: string, image: Image): Image {
  if (!tensors.has(`${name}.weight`)) return image;
  return tensors.has(`${name}.running_mean`) ? batchNorm(tensors, name, image) : layerNorm(tensors, name, image);
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

export type NormKind = "batch" | "layer" | "none";

/** Adds the shapes of a norm's tensors. */
function addNorm(shapes: Record<string, number[]>, name: string, kind: NormKind, width: number): void {
  if (kind === "none") return;
  const statistics = kind === "batch" ? ["running_mean", "running_var"] : [];
  for (const part of ["weight", "bias", ...statistics]) shapes[`${name}.${part}`] = [width];
}

export interface VggShape {
  readonly norm: NormKind;
  /** Widths of the convolutions; "M" is a pool. */
  readonly plan: readonly (number | "M")[];
  readonly side: number;
}

/** Odd sides drop a row. */
const SMALL: VggShape = { norm: "batch", plan: [3, "M", 4, 5], side: 9 };

/**
 * Convolutions of 3×3, each with its norm and ReLU, and pools; then dense 6 and 4. Numbered as torch.nn.Sequential does,
 * which counts what has no tensors.
 */
export function vggNetwork(rng: Rng, shape: Partial<VggShape> = {}): ImageNetwork {
  const { norm: kind, plan, side } = { ...SMALL, ...shape };
  const shapes: Record<string, number[]> = {};
  const steps: (string | "M")[] = [];
  let [channels, number, last] = [1, 0, side];
  for (const width of plan) {
    if (width === "M") {
      steps.push("M");
      [number, last] = [number + 1, Math.floor(last / 2)];
      continue;
    }
    steps.push(`features.${number}`);
    shapes[`features.${number}.weight`] = [width, channels, 3, 3];
    shapes[`features.${number}.bias`] = [width];
    addNorm(shapes, `features.${number + 1}`, kind, width);
    [channels, number] = [width, number + (kind === "none" ? 2 : 3)];
  }
  Object.assign(shapes, { "classifier.1.weight": [6, channels * last ** 2], "classifier.1.bias": [6] });
  Object.assign(shapes, { "classifier.3.weight": [4, 6], "classifier.3.bias": [4] });
  const tensors = randomTensors(shapes, rng);
  const run = (image: Image, step: string): Image => {
    if (step === "M") return maxPool(image);
    const after = kind === "none" ? "" : step.replace(/\d+/, (digits) => String(Number(digits) + 1));
    return relu(norm(tensors, after, conv(tensors, step, image, 1)));
  };
  return {
    tensors,
    side,
    logits(pixels) {
      const { data } = steps.reduce(run, { channels: 1, side, data: Float64Array.from(pixels) });
      const hidden = dense(tensors, "classifier.1", data).map((value) => Math.max(0, value));
      return dense(tensors, "classifier.3", hidden);
    },
  };
}

export interface ResnetShape {
  readonly norm: NormKind;
  /** Two 3×3 convolutions, or 1×1, 3×3, 1×1 with a third of the width inside. */
  readonly bottleneck: boolean;
  /** Whether the shortcut's convolution has a norm, where there is one. */
  readonly shortcutNorm: boolean;
  /** Norms and ReLU before convolutions (He et al. 2016) or after. */
  readonly pre: boolean;
}

const PAPERS: ResnetShape = { norm: "layer", bottleneck: false, shortcutNorm: true, pre: false };

interface BlockPlan {
  readonly prefix: string;
  readonly from: number;
  readonly width: number;
  readonly stride: number;
}

/** Three stages of 6, 9 and 12 channels with two blocks each, on images of side × side. */
export function resnetNetwork(rng: Rng, side: number, shape: Partial<ResnetShape> = {}): ImageNetwork {
  const plan = { ...PAPERS, ...shape };
  const widths = [6, 9, 12];
  const shapes: Record<string, number[]> = { "conv1.weight": [6, 1, 3, 3] };
  if (!plan.pre) addNorm(shapes, "norm1", plan.norm, 6);
  const blocks = [0, 1, 2].flatMap((stage) =>
    [0, 1].map((block): BlockPlan => {
      const width = widths[stage]!;
      const starts = block === 0 && stage > 0;
      const from = starts ? widths[stage - 1]! : width;
      return { prefix: `layer${stage + 1}.${block}`, from, width, stride: starts ? 2 : 1 };
    }),
  );
  for (const block of blocks) addBlock(shapes, plan, block);
  if (plan.pre) addNorm(shapes, "norm1", plan.norm, 12);
  Object.assign(shapes, { "fc.weight": [4, 12], "fc.bias": [4] });
  const tensors = randomTensors(shapes, rng);
  const run = plan.pre ? runPreBlock : runPostBlock;
  return {
    tensors,
    side,
    logits(pixels) {
      let image = conv(tensors, "conv1", { channels: 1, side, data: Float64Array.from(pixels) }, 1);
      if (!plan.pre) image = relu(norm(tensors, "norm1", image));
      for (const block of blocks) image = run(tensors, plan, block, image);
      if (plan.pre) image = relu(norm(tensors, "norm1", image));
      return dense(tensors, "fc", channelMeans(image));
    },
  };
}

/** Channels in and out and the side of each convolution of a block. */
function convsOf({ bottleneck }: ResnetShape, { from, width }: BlockPlan): [from: number, to: number, side: number][] {
  const inner = bottleneck ? width / 3 : width;
  const last: [number, number, number] = [inner, width, bottleneck ? 1 : 3];
  return bottleneck ? [[from, inner, 1], [inner, inner, 3], last] : [[from, inner, 3], last];
}

function addBlock(shapes: Record<string, number[]>, plan: ResnetShape, block: BlockPlan): void {
  const { prefix, from, width } = block;
  for (const [i, [input, out, side]] of convsOf(plan, block).entries()) {
    shapes[`${prefix}.conv${i + 1}.weight`] = [out, input, side, side];
    addNorm(shapes, `${prefix}.norm${i + 1}`, plan.norm, plan.pre ? input : out);
  }
  if (from === width) return;
  shapes[`${prefix}.shortcut.0.weight`] = [width, from, 1, 1];
  if (plan.shortcutNorm) addNorm(shapes, `${prefix}.shortcut.1`, plan.norm, width);
}

/** `relu(main + shortcut)` with conv, norm, relu on the main path; the 3×3 convolution that comes first has the stride. */
function runPostBlock(
  tensors: Tensors,
  plan: ResnetShape,
  { prefix, from, width, stride }: BlockPlan,
  image: Image,
): Image {
  const strided = plan.bottleneck ? 2 : 1;
  const count = plan.bottleneck ? 3 : 2;
  let main = image;
  for (let i = 1; i <= count; i++) {
    main = norm(tensors, `${prefix}.norm${i}`, conv(tensors, `${prefix}.conv${i}`, main, i === strided ? stride : 1));
    if (i < count) main = relu(main);
  }
  const skipped =
    from === width
      ? image
      : norm(tensors, `${prefix}.shortcut.1`, conv(tensors, `${prefix}.shortcut.0`, image, stride));
  return relu(add(main, skipped));
}

/** `main + shortcut` with norm, relu, conv on the main path; a convolution on the shortcut reads what is normalised. */
function runPreBlock(
  tensors: Tensors,
  plan: ResnetShape,
  { prefix, from, width, stride }: BlockPlan,
  image: Image,
): Image {
  const strided = plan.bottleneck ? 2 : 1;
  const first = relu(norm(tensors, `${prefix}.norm1`, image));
  let main = conv(tensors, `${prefix}.conv1`, first, strided === 1 ? stride : 1);
  for (let i = 2; i <= (plan.bottleneck ? 3 : 2); i++) {
    const ready = relu(norm(tensors, `${prefix}.norm${i}`, main));
    main = conv(tensors, `${prefix}.conv${i}`, ready, i === strided ? stride : 1);
  }
  if (from === width) return add(main, image);
  return add(main, norm(tensors, `${prefix}.shortcut.1`, conv(tensors, `${prefix}.shortcut.0`, first, stride)));
}

function add(a: Image, b: Image): Image {
  return { ...a, data: a.data.map((value, i) => value + b.data[i]!) };
}

function channelMeans({ channels, side, data }: Image): Float64Array {
  const area = side ** 2;
  return Float64Array.from(
    { length: channels },
    (_, c) => data.subarray(c * area, (c + 1) * area).reduce((a, b) => a + b) / area,
  );
}

const FLAX: Readonly<Record<string, [tree: string, leaf: string]>> = {
  weight: ["params", "scale"],
  bias: ["params", "bias"],
  running_mean: ["batch_stats", "mean"],
  running_var: ["batch_stats", "var"],
};

/**
 * The same tensors in Flax's names and layouts: kernels `[height, width, in, out]` and `[in, out]`. `flattened` is the
 * dense matrix that reads flattened images, of so many positions: channel-minor there.
 */
export function inFlax(tensors: Tensors, flattened?: { name: string; positions: number }): Tensors {
  const flax: Tensors = new Map();
  for (const [name, { shape, data }] of tensors) {
    const dot = name.lastIndexOf(".");
    const [path, leaf] = [name.slice(0, dot).replaceAll(".", "_"), name.slice(dot + 1)];
    if (shape.length === 1) {
      const [tree, flaxLeaf] = FLAX[leaf]!;
      flax.set(`${tree}/${path}/${flaxLeaf}`, { shape, data });
      continue;
    }
    const [out, input, height = 1, width = 1] = shape as [number, number, number?, number?];
    const area = height * width;
    const positions = flattened?.name === name ? flattened.positions : 1;
    const values: number[] = [];
    for (let at = 0; at < area; at++) {
      for (let i = 0; i < input; i++) {
        const [position, channel] = [Math.floor(i / (input / positions)), i % (input / positions)];
        for (let o = 0; o < out; o++) values.push(data[(o * input + channel * positions + position) * area + at]!);
      }
    }
    const flaxShape = shape.length === 2 ? [input, out] : [height, width, input, out];
    flax.set(`params/${path}/kernel`, { shape: flaxShape, data: Float32Array.from(values) });
  }
  return flax;
}
