/** VGG and ResNet in plain loops over f64: slow and obvious, with PyTorch's names and padding, or Flax's for VGG. */

import type { Rng } from "../../src/base/rng.ts";
import { add, channelMeans, conv, dense, type Image, maxPool, norm, relu } from "./image-operations.ts";
import type { Tensors } from "./networks.ts";
import { gaussianArray } from "./random.ts";

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
