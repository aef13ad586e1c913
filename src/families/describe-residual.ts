/**
 * Graphs of residual networks: He et al. 2015 (norms after convolutions) and 2016 (norms before). Strides are not in
 * the tensors; they are those of the papers and of torchvision. A stage after the first starts with stride 2, in a
 * bottleneck at its 3×3 convolution. A stem of 7×7 has stride 2 and a 3×3 max pool.
 */

import type { Graph } from "../graph/graph.ts";
import { kernelSide } from "./describe-chain.ts";
import { addModule, type GraphBuilder, graphBuilder } from "./graph-builder.ts";
import type { Module, Tensors } from "./modules.ts";
import type { ResidualBlock, ResidualNetwork } from "./resnet.ts";

interface Plan {
  readonly builder: GraphBuilder;
  readonly tensors: Tensors;
  readonly side: "pre" | "post";
}

/** The smallest kernel of a stem for large images. */
const LARGE_STEM = 7;

/** The graph of a residual network. Throws `RangeError` for kernels and heads that cannot be run. */
export function describeResidual(network: ResidualNetwork, tensors: Tensors): Graph {
  const plan: Plan = { builder: graphBuilder(), tensors, side: network.side };
  const { builder } = plan;
  let value = addStem(plan, network.stem, "input");
  for (const [i, block] of network.blocks.entries()) value = addBlock(plan, block, i, value);
  value = addHeadNorms(plan, network.head, value);
  value = builder.add("mean", { op: "global-mean" }, value);
  const head = network.head.slice(network.head.findIndex((module) => module.kind !== "norm"));
  for (const [i, module] of head.entries()) {
    if (module.kind === "conv")
      throw new RangeError(`${module.name} is a convolution in the head, expected dense tensors`);
    value = addModule(builder, module, value);
    const next = head[i + 1];
    if (next?.kind === "dense") value = builder.add(`${module.path}.relu`, { op: "relu" }, value);
  }
  return builder.build(value);
}

/** Norms before the head's first matrix come before the mean, as in networks that normalise first. */
function addHeadNorms({ builder }: Plan, head: readonly Module[], input: string): string {
  const norms = head.slice(
    0,
    Math.max(
      0,
      head.findIndex((module) => module.kind !== "norm"),
    ),
  );
  const value = norms.reduce((at, norm) => addModule(builder, norm, at), input);
  return norms.length > 0 ? builder.add(`${norms.at(-1)!.path}.relu`, { op: "relu" }, value) : value;
}

function addStem(plan: Plan, stem: readonly Module[], input: string): string {
  const [conv, second] = stem.filter((module) => module.kind === "conv");
  if (second !== undefined)
    throw new RangeError(`${second.name} is a second convolution of the stem, expected one: names do not show strides`);
  const large = kernelSide(conv!, plan.tensors) >= LARGE_STEM;
  let value = stem.reduce((at, module) => addStep(plan, module, at, large ? 2 : 1), input);
  const last = stem.at(-1)!;
  // Where norms come first, the first block's norm activates what a bare stem gives.
  if (plan.side === "post" || last.kind === "norm") value = addRelu(plan, last, value);
  return large ? plan.builder.add("stem.pool", { op: "max-pool", size: 3, stride: 2, padding: 1 }, value) : value;
}

function addRelu({ builder }: Plan, module: Module, input: string): string {
  return builder.add(`${module.path}.relu`, { op: "relu" }, input);
}

function addStep({ builder, tensors }: Plan, module: Module, input: string, stride: number): string {
  if (module.kind !== "conv") return addModule(builder, module, input);
  return addModule(builder, module, input, { stride, side: kernelSide(module, tensors) });
}

function addBlock(plan: Plan, block: ResidualBlock, index: number, input: string): string {
  const stride = strideOf(block, index);
  const pre = plan.side === "pre";
  const convs = block.main.filter((module) => module.kind === "conv");
  const strided = convs.length === 3 ? convs[1]! : convs[0]!;
  let value = input;
  let normalised: string | undefined;
  for (const [i, module] of block.main.entries()) {
    value = addStep(plan, module, value, module === strided ? stride : 1);
    const beforeConv = block.main[i + 1]?.kind === "conv";
    if (pre ? module.kind === "norm" || beforeConv : beforeConv) value = addRelu(plan, module, value);
    if (pre && i === 0 && module.kind === "norm") normalised = value;
  }
  // Networks that normalise first project what is normalised (He et al. 2016, figure 4), and pass on what is not.
  const around = addShortcut(plan, block, stride, input, normalised ?? input);
  const sum = plan.builder.add(`${block.path}.sum`, { op: "add" }, value, around);
  return pre ? sum : plan.builder.add(`${block.path}.relu`, { op: "relu" }, sum);
}

/** `projected` is what a convolution reads, `input` what passes without one. */
function addShortcut(
  plan: Plan,
  { shortcut }: ResidualBlock,
  stride: number,
  input: string,
  projected: string,
): string {
  const [conv, second] = shortcut.filter((module) => module.kind === "conv");
  if (second !== undefined)
    throw new RangeError(`${second.name} is a second convolution on a shortcut, expected one at most`);
  // `downsample.1` in a Sequential: number 0 is a pool, which has no tensors.
  if (conv !== undefined && /\.[1-9]\d*$/.test(conv.path))
    throw new RangeError(`${conv.name} has something without tensors before it, expected it first on its shortcut`);
  const from = conv === undefined ? input : projected;
  return shortcut.reduce((at, module) => addStep(plan, module, at, module === conv ? stride : 1), from);
}

/** 2 where a stage after the first begins: at a shortcut with a convolution. */
function strideOf({ shortcut }: ResidualBlock, index: number): number {
  return index > 0 && shortcut.some((module) => module.kind === "conv") ? 2 : 1;
}
