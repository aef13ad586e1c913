/** Fresh models with PyTorch's tensor names, shapes and default initialisation, the same bytes in every runtime. */

import { memoryModel, type TensorData } from "../base/memory-model.ts";
import { elementCount, type Model } from "../base/model.ts";
import { NORM_GROUPS } from "../base/norm-groups.ts";
import { checkOptions, type OptionKinds } from "../base/options.ts";
import { createRng, type Rng } from "../base/rng.ts";

/** Dense tensors `layers.0`, `layers.1`, … with ReLU between. */
export interface MlpArchitecture {
  readonly family: "mlp";
  /** Inputs, hidden widths, classes: at least three numbers, as [784, 512, 512, 10]. */
  readonly widths: readonly number[];
}

/** Statistics of the batch, or of the channels at each position. */
export type NormKind = "batch" | "layer";

/** 3×3 convolutions, each with a norm and ReLU, in a chain; then dense tensors. Simonyan and Zisserman 2014. */
export interface VggArchitecture {
  readonly family: "vgg";
  readonly norm: NormKind;
  /** Height, width and channels of the images. */
  readonly input: readonly [number, number, number];
  /** Channels of each convolution, and 2×2 max pools, as [32, "pool", 64, "pool"]. */
  readonly plan: readonly (number | "pool")[];
  /** Widths of the dense tensors, the classes last: at least one number. */
  readonly dense: readonly number[];
}

/** Three stages of basic blocks with `width`, 2·`width` and 4·`width` channels. He et al. 2015, section 4.2. */
export interface ResnetArchitecture {
  readonly family: "resnet";
  readonly norm: NormKind;
  /** 6n + 2: 8, 14, 20, 32, … */
  readonly depth: number;
  /** Channels of the first stage. */
  readonly width: number;
  /** Channels of the images. */
  readonly channels: number;
  readonly classes: number;
}

/** What `initialiseModel` can make. */
export type Architecture = MlpArchitecture | VggArchitecture | ResnetArchitecture;

/**
 * A model of an architecture, in float32 with PyTorch's names and layouts. Matrices, convolutions and their biases are
 * uniform within ±1/√(inputs of a unit), PyTorch's default; norms start as the identity. The same seed gives the same
 * bytes in every runtime. `describeGraph` knows the result.
 *
 * @throws {RangeError} for sizes that are no positive integers, depths other than 6n + 2, a pool first or after a pool,
 * and images that the pools reduce to nothing.
 *
 * @example
 * const model = initialiseModel({ family: "mlp", widths: [784, 512, 512, 512, 10] }, 1);
 */
export function initialiseModel(architecture: Architecture, seed: number): Model {
  const builder = tensorBuilder(createRng(seed));
  switch (architecture.family) {
    case "mlp":
      buildMlp(builder, architecture);
      break;
    case "vgg":
      buildVgg(builder, architecture);
      break;
    case "resnet":
      buildResnet(builder, architecture);
      break;
    default:
      throw new RangeError(`family ${(architecture as { family: unknown }).family}, expected mlp, vgg or resnet`);
  }
  const norm = architecture.family === "mlp" ? "batch" : architecture.norm;
  // Shapes do not tell LayerNorm from GroupNorm.
  const metadata = new Map(norm === "layer" ? [[NORM_GROUPS, "1"]] : []);
  return memoryModel(builder.tensors, { name: `new ${architecture.family}`, metadata });
}

interface TensorBuilder {
  readonly tensors: Map<string, TensorData>;
  /** `[outs, ins]`, with a bias. */
  dense(path: string, ins: number, outs: number): void;
  /** `[outs, ins, 3, 3]`. */
  conv(path: string, ins: number, outs: number, bias: boolean): void;
  norm(path: string, kind: NormKind, channels: number): void;
}

const KERNEL_SIDE = 3;

function tensorBuilder(rng: Rng): TensorBuilder {
  const tensors = new Map<string, TensorData>();
  const set = (name: string, shape: readonly number[], value: () => number): void => {
    const data = new Uint8Array(4 * elementCount(shape));
    const view = new DataView(data.buffer);
    for (let at = 0; at < data.length; at += 4) view.setFloat32(at, value(), true);
    tensors.set(name, { dtype: "F32", shape, data });
  };
  const linear = (path: string, shape: readonly number[], bias: boolean): void => {
    const bound = 1 / Math.sqrt(elementCount(shape.slice(1)));
    const uniform = (): number => (2 * rng.uniform() - 1) * bound;
    set(`${path}.weight`, shape, uniform);
    if (bias) set(`${path}.bias`, shape.slice(0, 1), uniform);
  };
  return {
    tensors,
    dense: (path, ins, outs) => linear(path, [outs, ins], true),
    conv: (path, ins, outs, bias) => linear(path, [outs, ins, KERNEL_SIDE, KERNEL_SIDE], bias),
    norm(path, kind, channels) {
      set(`${path}.weight`, [channels], () => 1);
      set(`${path}.bias`, [channels], () => 0);
      if (kind === "layer") return;
      set(`${path}.running_mean`, [channels], () => 0);
      set(`${path}.running_var`, [channels], () => 1);
      tensors.set(`${path}.num_batches_tracked`, { dtype: "I64", shape: [], data: new Uint8Array(8) });
    },
  };
}

function checkSizes(what: string, sizes: readonly number[], least: number): void {
  if (sizes.length < least) throw new RangeError(`${what} are [${sizes.join(", ")}], expected at least ${least}`);
  const wrong = sizes.find((size) => !Number.isSafeInteger(size) || size < 1);
  if (wrong !== undefined) throw new RangeError(`${what} are [${sizes.join(", ")}], expected positive integers`);
}

function checkNorm(norm: NormKind): void {
  if (norm !== "batch" && norm !== "layer") throw new RangeError(`norm ${norm}, expected batch or layer`);
}

function buildMlp(builder: TensorBuilder, architecture: MlpArchitecture): void {
  checkOptions("mlp", architecture, { family: "string", widths: "list" });
  const { widths } = architecture;
  checkSizes("mlp widths", widths, 3);
  for (const [i, outs] of widths.slice(1).entries()) builder.dense(`layers.${i}`, widths[i]!, outs);
}

const VGG: OptionKinds<VggArchitecture> = {
  family: "string",
  norm: "string",
  input: "list",
  plan: "list",
  dense: "list",
};

const RESNET: OptionKinds<ResnetArchitecture> = {
  family: "string",
  norm: "string",
  depth: "number",
  width: "number",
  channels: "number",
  classes: "number",
};

/** Numbers as `torch.nn.Sequential` gives: modules without tensors (ReLU, pools, the flatten) have some too. */
function buildVgg(builder: TensorBuilder, architecture: VggArchitecture): void {
  checkOptions("vgg", architecture, VGG);
  const { norm, input, plan, dense } = architecture;
  checkNorm(norm);
  checkSizes("vgg image sizes", input, 3);
  checkSizes("vgg dense widths", dense, 1);
  const convs = plan.filter((step) => step !== "pool");
  checkSizes("vgg plan's channels", convs, 1);
  let [height, width, channels] = input;
  let index = 0;
  for (const [i, step] of plan.entries()) {
    if (step !== "pool") {
      builder.conv(`features.${index}`, channels, step, true);
      builder.norm(`features.${index + 1}`, norm, step);
      channels = step;
      index += 3;
      continue;
    }
    if (i === 0 || plan[i - 1] === "pool")
      throw new RangeError(`vgg plan is [${plan.join(", ")}], expected a convolution before each pool`);
    [height, width] = [Math.floor(height / 2), Math.floor(width / 2)];
    index += 1;
  }
  if (height < 1 || width < 1)
    throw new RangeError(
      `vgg plan [${plan.join(", ")}] leaves nothing of ${input[0]}×${input[1]} images, expected fewer pools`,
    );
  let ins = height * width * channels;
  for (const [i, outs] of dense.entries()) {
    builder.dense(`classifier.${2 * i + 1}`, ins, outs);
    ins = outs;
  }
}

const STAGES = 3;

function buildResnet(builder: TensorBuilder, architecture: ResnetArchitecture): void {
  checkOptions("resnet", architecture, RESNET);
  const { norm, depth, width, channels, classes } = architecture;
  checkNorm(norm);
  checkSizes("resnet width, channels and classes", [width, channels, classes], 3);
  const blocks = (depth - 2) / (2 * STAGES);
  if (!Number.isSafeInteger(blocks) || blocks < 1)
    throw new RangeError(`resnet depth ${depth}, expected 6n + 2, as 8, 14 or 20`);
  const convNorm = (conv: string, normed: string, ins: number, outs: number): void => {
    builder.conv(conv, ins, outs, false);
    builder.norm(normed, norm, outs);
  };
  convNorm("conv1", "norm1", channels, width);
  let ins = width;
  for (let stage = 1; stage <= STAGES; stage++) {
    const outs = width * 2 ** (stage - 1);
    for (let block = 0; block < blocks; block++) {
      const path = `layer${stage}.${block}`;
      convNorm(`${path}.conv1`, `${path}.norm1`, ins, outs);
      convNorm(`${path}.conv2`, `${path}.norm2`, outs, outs);
      if (ins !== outs) convNorm(`${path}.shortcut.0`, `${path}.shortcut.1`, ins, outs);
      ins = outs;
    }
  }
  builder.dense("fc", ins, classes);
}
