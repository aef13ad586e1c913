/** Small instances of torchvision's convolutional networks in plain loops, with its names. */

import {
  addImages,
  batchNorm,
  concatenate,
  conv,
  convNorm,
  halve,
  type Image,
  identity,
  mapChannels,
  picture,
  pool,
} from "./image-layers.ts";
import { numbers, type SequenceNetwork } from "./sequence-network.ts";
import { each, gelu, layerNorm, linear, relu, silu, type Weights } from "./sequences.ts";

const relu6 = (x: number): number => Math.min(6, relu(x));
const hardSigmoid = (x: number): number => Math.min(1, Math.max(0, x / 6 + 0.5));
const hardSwish = (x: number): number => x * hardSigmoid(x);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const network = (family: string, run: SequenceNetwork["run"]): SequenceNetwork => ({ family, config: {}, run });

/** Expansions of 1 have no first convolution. */
function mobileNetV2(w: Weights, tokens: readonly number[]): number[] {
  let x = convNorm(w, picture(tokens, 6), ["features.0.0", "features.0.1"], 8, { kernel: 3, activation: relu6 });
  const blocks = [
    { expand: 1, out: 5, stride: 1 },
    { expand: 2, out: 6, stride: 2 },
    { expand: 2, out: 6, stride: 1 },
    { expand: 3, out: 7, stride: 1 },
  ];
  for (const [at, { expand, out, stride }] of blocks.entries()) {
    const name = `features.${at + 1}.conv`;
    let y = x;
    let step = 0;
    if (expand > 1)
      y = convNorm(w, y, [`${name}.0.0`, `${name}.${step++}.1`], expand * x.channels.length, { activation: relu6 });
    const units = y.channels.length;
    y = convNorm(w, y, [`${name}.${step}.0`, `${name}.${step}.1`], units, {
      ...{ kernel: 3, stride, groups: units, activation: relu6 },
    });
    y = convNorm(w, y, [`${name}.${step + 1}`, `${name}.${step + 2}`], out, { activation: identity });
    x = stride === 1 && out === x.channels.length ? addImages(x, y) : y;
  }
  x = convNorm(w, x, ["features.5.0", "features.5.1"], 9, { activation: relu6 });
  return linear(w, [pool(x)], "classifier.1", 4).flat();
}

/** Scales channels by what two dense layers make of their means. */
function squeeze(w: Weights, x: Image, name: string, units: number, inner: typeof relu, gate: typeof relu): Image {
  const means: Image = { side: 1, channels: pool(x).map((mean) => [mean]) };
  const hidden = mapChannels(conv(w, means, `${name}.fc1`, units, { bias: true }), inner);
  const scales = conv(w, hidden, `${name}.fc2`, x.channels.length, { bias: true });
  return mapChannels(x, (value, c) => value * gate(scales.channels[c]![0]!));
}

interface Block {
  /** No convolution in front where it is 1. */
  readonly expand: number;
  readonly out: number;
  readonly stride: number;
  readonly squeeze: boolean;
  /** Expansion and depthwise filter as one whole convolution (EfficientNetV2). */
  readonly fused?: boolean;
}

function mbConv(
  w: Weights,
  x: Image,
  name: string,
  block: Block,
  swish: typeof relu,
  se: [typeof relu, typeof relu],
): Image {
  const { expand, out, stride, fused = false } = block;
  const units = expand * x.channels.length;
  let step = 0;
  const next = (): [string, string] => [`${name}.${step}.0`, `${name}.${step++}.1`];
  let y = x;
  if (fused && expand === 1) y = convNorm(w, y, next(), out, { kernel: 3, stride, activation: swish });
  else {
    if (fused) y = convNorm(w, y, next(), units, { kernel: 3, stride, activation: swish });
    else {
      if (expand > 1) y = convNorm(w, y, next(), units, { activation: swish });
      y = convNorm(w, y, next(), units, { kernel: 3, stride, groups: units, activation: swish });
    }
    if (block.squeeze) y = squeeze(w, y, `${name}.${step++}`, 4, ...se);
    y = convNorm(w, y, next(), out, { activation: identity });
  }
  return stride === 1 && out === x.channels.length ? addImages(x, y) : y;
}

function mobileNetV3(w: Weights, tokens: readonly number[]): number[] {
  let x = convNorm(w, picture(tokens, 6), ["features.0.0", "features.0.1"], 6, { kernel: 3, activation: hardSwish });
  const blocks: Block[] = [
    { expand: 1, out: 6, stride: 1, squeeze: true },
    { expand: 2, out: 7, stride: 2, squeeze: false },
    { expand: 2, out: 7, stride: 1, squeeze: true },
  ];
  for (const [at, block] of blocks.entries())
    x = mbConv(w, x, `features.${at + 1}.block`, block, hardSwish, [relu, hardSigmoid]);
  x = convNorm(w, x, ["features.4.0", "features.4.1"], 9, { activation: hardSwish });
  return linear(w, each(linear(w, [pool(x)], "classifier.0", 8), hardSwish), "classifier.3", 4).flat();
}

function efficientNet(w: Weights, tokens: readonly number[], stages: readonly (readonly Block[])[]): number[] {
  let x = convNorm(w, picture(tokens, 6), ["features.0.0", "features.0.1"], 6, { kernel: 3, activation: silu });
  for (const [s, blocks] of stages.entries())
    for (const [at, block] of blocks.entries())
      x = mbConv(w, x, `features.${s + 1}.${at}.block`, block, silu, [silu, sigmoid]);
  const last = `features.${stages.length + 1}`;
  x = convNorm(w, x, [`${last}.0`, `${last}.1`], 9, { activation: silu });
  return linear(w, [pool(x)], "classifier.1", 4).flat();
}

/** Blocks of torchvision's `Bottleneck` with groups. */
function resNext(w: Weights, tokens: readonly number[], groups: number, width: number): number[] {
  let x = convNorm(w, picture(tokens, 6), ["conv1", "bn1"], 6, { kernel: 3 });
  for (const stage of [1, 2])
    for (const at of [0, 1]) {
      const name = `layer${stage}.${at}`;
      const stride = stage === 2 && at === 0 ? 2 : 1;
      const out = stage === 1 ? 8 : 10;
      let y = convNorm(w, x, [`${name}.conv1`, `${name}.bn1`], groups * width);
      y = convNorm(w, y, [`${name}.conv2`, `${name}.bn2`], groups * width, { kernel: 3, stride, groups });
      y = convNorm(w, y, [`${name}.conv3`, `${name}.bn3`], out, { activation: identity });
      const down: [string, string] = [`${name}.downsample.0`, `${name}.downsample.1`];
      const shortcut = at === 0 ? convNorm(w, x, down, out, { stride, activation: identity }) : x;
      x = mapChannels(addImages(y, shortcut), relu);
    }
  return linear(w, [pool(x)], "fc", 4).flat();
}

/** `dot` is between `norm` and its number in older files. */
function denseNet(w: Weights, tokens: readonly number[], dot: string): number[] {
  const norm = (x: Image, name: string): Image => mapChannels(batchNorm(w, x, name), relu);
  let x = convNorm(w, picture(tokens, 4), ["features.conv0", "features.norm0"], 6, { kernel: 3 });
  for (const b of [1, 2]) {
    const parts = [x];
    for (const l of [1, 2, 3]) {
      const name = `features.denseblock${b}.denselayer${l}`;
      const hidden = conv(w, norm(concatenate(parts), `${name}.norm${dot}1`), `${name}.conv${dot}1`, 8);
      parts.push(conv(w, norm(hidden, `${name}.norm${dot}2`), `${name}.conv${dot}2`, 4, { kernel: 3 }));
    }
    x = concatenate(parts);
    if (b === 1) x = halve(conv(w, norm(x, "features.transition1.norm"), "features.transition1.conv", 7));
  }
  return linear(w, [pool(norm(x, "features.norm5"))], "classifier", 4).flat();
}

/** LayerNorm over the channels of each pixel. */
function pixelNorm(w: Weights, x: Image, name: string): Image {
  const rows = numbers(x.side * x.side).map((place) => x.channels.map((pixels) => pixels[place]!));
  const normed = layerNorm(w, rows, name);
  return { side: x.side, channels: x.channels.map((_, c) => normed.map((row) => row[c]!)) };
}

function convNextBlock(w: Weights, x: Image, name: string): Image {
  const width = x.channels.length;
  const filtered = conv(w, x, `${name}.block.0`, width, { kernel: 7, groups: width, bias: true });
  const normed = pixelNorm(w, filtered, `${name}.block.2`);
  const rows = numbers(x.side * x.side).map((place) => normed.channels.map((pixels) => pixels[place]!));
  const fed = linear(w, each(linear(w, rows, `${name}.block.3`, 2 * width), gelu), `${name}.block.5`, width);
  const scale = w.get(`${name}.layer_scale`, width, 1, 1);
  const channels = x.channels.map((pixels, c) => pixels.map((value, place) => value + scale[c]! * fed[place]![c]!));
  return { side: x.side, channels };
}

function convNext(w: Weights, tokens: readonly number[]): number[] {
  const stem = { kernel: 2, stride: 2, padding: 0, bias: true };
  let x = pixelNorm(w, conv(w, picture(tokens, 8), "features.0.0", 6, stem), "features.0.1");
  for (const at of [0, 1]) x = convNextBlock(w, x, `features.1.${at}`);
  x = conv(w, pixelNorm(w, x, "features.2.0"), "features.2.1", 8, stem);
  for (const at of [0, 1]) x = convNextBlock(w, x, `features.3.${at}`);
  return linear(w, layerNorm(w, [pool(x)], "classifier.0"), "classifier.2", 4).flat();
}

const V1: Block[][] = [
  [{ expand: 1, out: 5, stride: 1, squeeze: true }],
  [
    { expand: 2, out: 7, stride: 2, squeeze: true },
    { expand: 2, out: 7, stride: 1, squeeze: true },
  ],
];
const V2: Block[][] = [
  [{ expand: 1, out: 6, stride: 1, squeeze: false, fused: true }],
  [
    { expand: 2, out: 7, stride: 2, squeeze: false, fused: true },
    { expand: 2, out: 7, stride: 1, squeeze: false, fused: true },
  ],
  [{ expand: 2, out: 8, stride: 1, squeeze: true }],
];

/** By name. */
export const IMAGE_NETWORKS: Readonly<Record<string, SequenceNetwork>> = {
  MobileNetV2: network("mobilenet-v2", mobileNetV2),
  "ResNeXt, 3 groups of 4": network("resnet", (w, tokens) => resNext(w, tokens, 3, 4)),
  "ResNeXt, groups of one channel": network("resnet", (w, tokens) => resNext(w, tokens, 8, 1)),
  EfficientNet: network("efficientnet", (w, tokens) => efficientNet(w, tokens, V1)),
  EfficientNetV2: network("efficientnet", (w, tokens) => efficientNet(w, tokens, V2)),
  DenseNet: network("densenet", (w, tokens) => denseNet(w, tokens, "")),
  "DenseNet, older names": network("densenet", (w, tokens) => denseNet(w, tokens, ".")),
  ConvNeXt: network("convnext", convNext),
  MobileNetV3: network("mobilenet-v3", mobileNetV3),
};
