/**
 * Names and shapes of torchvision's models in their real sizes, from its model definitions (`torchvision/models`).
 * `parameters` is the `num_params` that torchvision states.
 */

import { numbers } from "./forward/sequence-network.ts";

type Shapes = Map<string, number[]>;

class Listing {
  readonly shapes: Shapes = new Map();
  conv(name: string, out: number, input: number, kernel: number, bias = false): void {
    this.shapes.set(`${name}.weight`, [out, input, kernel, kernel]);
    if (bias) this.shapes.set(`${name}.bias`, [out]);
  }
  affine(name: string, size: number): void {
    for (const each of ["weight", "bias"]) this.shapes.set(`${name}.${each}`, [size]);
  }
  norm(name: string, size: number): void {
    this.affine(name, size);
    for (const each of ["running_mean", "running_var"]) this.shapes.set(`${name}.${each}`, [size]);
    this.shapes.set(`${name}.num_batches_tracked`, []);
  }
  convNorm(name: string, norm: string, out: number, input: number, kernel: number): void {
    this.conv(name, out, input, kernel);
    this.norm(norm, out);
  }
  dense(name: string, out: number, input: number): void {
    this.shapes.set(`${name}.weight`, [out, input]);
    this.shapes.set(`${name}.bias`, [out]);
  }
}

function mobileNetV2(): Shapes {
  const list = new Listing();
  list.convNorm("features.0.0", "features.0.1", 32, 3, 3);
  let [at, input] = [1, 32];
  const settings = [
    [1, 16, 1],
    [6, 24, 2],
    [6, 32, 3],
    [6, 64, 4],
    [6, 96, 3],
    [6, 160, 3],
    [6, 320, 1],
  ] as const;
  for (const [expand, out, count] of settings)
    for (const _ of numbers(count)) {
      const name = `features.${at++}.conv`;
      const units = input * expand;
      let step = 0;
      if (expand !== 1) list.convNorm(`${name}.0.0`, `${name}.${step++}.1`, units, input, 1);
      list.convNorm(`${name}.${step}.0`, `${name}.${step}.1`, units, 1, 3);
      list.convNorm(`${name}.${step + 1}`, `${name}.${step + 2}`, out, units, 1);
      input = out;
    }
  list.convNorm("features.18.0", "features.18.1", 1280, 320, 1);
  list.dense("classifier.1", 1000, 1280);
  return list.shapes;
}

/** A block of MobileNetV3 or EfficientNet; no squeeze where it is 0. */
function mbConv(
  list: Listing,
  name: string,
  input: number,
  units: number,
  out: number,
  kernel: number,
  squeeze: number,
): void {
  let step = 0;
  const next = (to: number, from: number, k: number): void =>
    list.convNorm(`${name}.${step}.0`, `${name}.${step++}.1`, to, from, k);
  if (units !== input) next(units, input, 1);
  next(units, 1, kernel);
  if (squeeze > 0) {
    list.conv(`${name}.${step}.fc1`, squeeze, units, 1, true);
    list.conv(`${name}.${step++}.fc2`, units, squeeze, 1, true);
  }
  next(out, units, 1);
}

/** Input, kernel, hidden channels, output, squeeze. */
const V3_LARGE = [
  [16, 3, 16, 16, 0],
  [16, 3, 64, 24, 0],
  [24, 3, 72, 24, 0],
  [24, 5, 72, 40, 24],
  [40, 5, 120, 40, 32],
  [40, 5, 120, 40, 32],
  [40, 3, 240, 80, 0],
  [80, 3, 200, 80, 0],
  [80, 3, 184, 80, 0],
  [80, 3, 184, 80, 0],
  [80, 3, 480, 112, 120],
  [112, 3, 672, 112, 168],
  [112, 5, 672, 160, 168],
  [160, 5, 960, 160, 240],
  [160, 5, 960, 160, 240],
] as const;

function mobileNetV3(): Shapes {
  const list = new Listing();
  list.convNorm("features.0.0", "features.0.1", 16, 3, 3);
  for (const [at, [input, kernel, units, out, squeeze]] of V3_LARGE.entries())
    mbConv(list, `features.${at + 1}.block`, input, units, out, kernel, squeeze);
  list.convNorm("features.16.0", "features.16.1", 960, 160, 1);
  list.dense("classifier.0", 1280, 960);
  list.dense("classifier.3", 1000, 1280);
  return list.shapes;
}

function efficientNetB0(): Shapes {
  const list = new Listing();
  list.convNorm("features.0.0", "features.0.1", 32, 3, 3);
  const stages = [
    [1, 3, 16, 1],
    [6, 3, 24, 2],
    [6, 5, 40, 2],
    [6, 3, 80, 3],
    [6, 5, 112, 3],
    [6, 5, 192, 4],
    [6, 3, 320, 1],
  ] as const;
  let input = 32;
  for (const [s, [expand, kernel, out, count]] of stages.entries())
    for (const at of numbers(count)) {
      mbConv(list, `features.${s + 1}.${at}.block`, input, expand * input, out, kernel, Math.floor(input / 4));
      input = out;
    }
  list.convNorm("features.8.0", "features.8.1", 1280, 320, 1);
  list.dense("classifier.1", 1000, 1280);
  return list.shapes;
}

/** 32 groups of 4 channels in the first stage, twice as many channels in each next one. */
function resNext50(): Shapes {
  const list = new Listing();
  list.convNorm("conv1", "bn1", 64, 3, 7);
  let input = 64;
  for (const [s, count] of [3, 4, 6, 3].entries())
    for (const at of numbers(count)) {
      const name = `layer${s + 1}.${at}`;
      const [units, out] = [128 * 2 ** s, 256 * 2 ** s];
      list.convNorm(`${name}.conv1`, `${name}.bn1`, units, input, 1);
      list.convNorm(`${name}.conv2`, `${name}.bn2`, units, units / 32, 3);
      list.convNorm(`${name}.conv3`, `${name}.bn3`, out, units, 1);
      if (at === 0) list.convNorm(`${name}.downsample.0`, `${name}.downsample.1`, out, input, 1);
      input = out;
    }
  list.dense("fc", 1000, 2048);
  return list.shapes;
}

function denseNet121(): Shapes {
  const list = new Listing();
  list.convNorm("features.conv0", "features.norm0", 64, 3, 7);
  let width = 64;
  for (const [b, count] of [6, 12, 24, 16].entries()) {
    for (const at of numbers(count)) {
      const name = `features.denseblock${b + 1}.denselayer${at + 1}`;
      list.norm(`${name}.norm1`, width);
      list.conv(`${name}.conv1`, 128, width, 1);
      list.norm(`${name}.norm2`, 128);
      list.conv(`${name}.conv2`, 32, 128, 3);
      width += 32;
    }
    if (b === 3) break;
    list.norm(`features.transition${b + 1}.norm`, width);
    list.conv(`features.transition${b + 1}.conv`, width / 2, width, 1);
    width /= 2;
  }
  list.norm("features.norm5", width);
  list.dense("classifier", 1000, width);
  return list.shapes;
}

function convNextTiny(): Shapes {
  const list = new Listing();
  list.conv("features.0.0", 96, 3, 4, true);
  list.affine("features.0.1", 96);
  for (const [s, count] of [3, 3, 9, 3].entries()) {
    const width = 96 * 2 ** s;
    if (s > 0) {
      list.affine(`features.${2 * s}.0`, width / 2);
      list.conv(`features.${2 * s}.1`, width, width / 2, 2, true);
    }
    for (const at of numbers(count)) {
      const name = `features.${2 * s + 1}.${at}`;
      list.shapes.set(`${name}.layer_scale`, [width, 1, 1]);
      list.conv(`${name}.block.0`, width, 1, 7, true);
      list.affine(`${name}.block.2`, width);
      list.dense(`${name}.block.3`, 4 * width, width);
      list.dense(`${name}.block.5`, width, 4 * width);
    }
  }
  list.affine("classifier.0", 768);
  list.dense("classifier.2", 1000, 768);
  return list.shapes;
}

export const TORCHVISION: readonly { family: string; shapes: Shapes; parameters: number }[] = [
  { family: "mobilenet-v2", shapes: mobileNetV2(), parameters: 3504872 },
  { family: "mobilenet-v3", shapes: mobileNetV3(), parameters: 5483032 },
  { family: "efficientnet", shapes: efficientNetB0(), parameters: 5288548 },
  { family: "resnet", shapes: resNext50(), parameters: 25028904 },
  { family: "densenet", shapes: denseNet121(), parameters: 7978856 },
  { family: "convnext", shapes: convNextTiny(), parameters: 28589128 },
];
