/** Pools and resizes: channels pass, positions keep their order. */

import type { Call, GraphValue, Kind } from "./kind.ts";
import { dividedSize, type Size } from "./sizes.ts";
import { imageLabels, imageSizes, isChannelsLast, slideSize, windowsOf } from "./spatial.ts";

const pool: Kind = (call) => {
  const value = call.input(0);
  const window = call.numbers("kernel_shape") ?? [];
  const image = call.ranked(value, window.length + 2);
  const windows = windowsOf(call, window);
  const { positions } = imageSizes(call, image);
  const reason = `${call.operator.kind} reads positions by their place`;
  const sizes = positions.map((size, at) => slideSize(call, size, at, windows));
  const result = moved(call, image, sizes, reason);
  return [result, result];
};

/** The value with other sizes of its positions, which are fixed. */
function moved(call: Call, image: GraphValue, sizes: readonly Size[], reason: string): GraphValue {
  const [from, to] = ["s", "t"].map((prefix) => sizes.map((_, at) => `${prefix}${at}`)) as [string[], string[]];
  return call.relate({
    operands: [{ value: image, labels: imageLabels(call, "b", "c", from) }],
    outputs: [imageLabels(call, "b", "c", to)],
    sizes: new Map(to.map((label, at) => [label, sizes[at]!])),
    ordered: new Map([...from, ...to].map((label) => [label, reason])),
  })[0]!;
}

/** Axes whose scale is 1 pass; the others keep their order. Inputs: value, region, scales, sizes. */
const resize: Kind = (call) => {
  const value = call.input(0);
  if (value.shape === undefined) return [value];
  const rank = value.shape.length;
  const upsample = call.operator.kind === "Upsample";
  const scales = call.inputs[upsample ? 1 : 2] === undefined ? undefined : call.known(upsample ? 1 : 2)?.values;
  const sizes = upsample || call.inputs[3] === undefined ? undefined : call.known(3)?.values;
  const axes = call.numbers("axes")?.map((axis) => (axis < 0 ? axis + rank : axis)) ?? [...Array(rank).keys()];
  const shape = value.shape.map((size, axis): Size => {
    const at = axes.indexOf(axis);
    if (at < 0) return size;
    if (sizes !== undefined && sizes.length > 0) return sizes[at] ?? call.unknown();
    const scale = scales?.[at];
    if (scale === 1) return size;
    return typeof scale === "number" && typeof size === "number" ? Math.floor(size * scale) : call.unknown();
  });
  return [withShape(call, value, shape, "Resize reads neighbouring positions")];
};

/** The value with another shape, whose changed axes are fixed. */
export function withShape(call: Call, value: GraphValue, shape: readonly Size[], reason: string): GraphValue {
  const before = value.shape!;
  const changed = shape.map((size, at) => size !== before[at]);
  const from = before.map((_, at) => `a${at}`);
  const to = from.map((label, at) => (changed[at] ? `${label}'` : label));
  const fresh = to.filter((_, at) => changed[at]);
  return call.relate({
    operands: [{ value, labels: from }],
    outputs: [to],
    sizes: new Map(to.flatMap((label, at): [string, Size][] => (changed[at] ? [[label, shape[at]!]] : []))),
    ordered: new Map([...fresh, ...from.filter((_, at) => changed[at])].map((label) => [label, reason])),
  })[0]!;
}

/**
 * Blocks of positions become channels, or the other way round. DCR: the block's positions are the slowest; CRD: the
 * channels.
 */
const depthToSpace: Kind = (call) => {
  const value = call.ranked(call.input(0), 4);
  const b = call.number("blocksize", 1);
  const { batch, channels, positions } = imageSizes(call, value);
  const [h, w] = positions as [Size, Size];
  const depth = dividedSize(channels, b * b);
  if (depth === undefined) return give(call, value, "has channels that its blocks do not divide");
  const last = isChannelsLast(call);
  const crd = call.text("mode", "DCR") === "CRD";
  const inner = crd ? [depth, b, b] : [b, b, depth];
  const cut = call.reshape(value, last ? [batch, h, w, ...inner] : [batch, ...inner, h, w]);
  const from = last ? 3 : 1;
  const [c, y, x] = crd ? [from, from + 1, from + 2] : [from + 2, from, from + 1];
  const [hAt, wAt] = last ? [1, 2] : [4, 5];
  const order = last ? [0, hAt, y, wAt, x, c] : [0, c, hAt, y, wAt, x];
  const turned = call.transpose(fixedBlocks(call, cut, [y, x]), order);
  const [tall, wide] = [scaled(call, h, b), scaled(call, w, b)];
  return [call.reshape(turned, last ? [batch, tall, wide, depth] : [batch, depth, tall, wide])];
};

const spaceToDepth: Kind = (call) => {
  const value = call.ranked(call.input(0), 4);
  const b = call.number("blocksize", 1);
  const { batch, channels, positions } = imageSizes(call, value);
  const [tall, wide] = positions.map((size) => dividedSize(size, b)) as [Size?, Size?];
  if (tall === undefined || wide === undefined) return give(call, value, "has positions that its blocks do not divide");
  const last = isChannelsLast(call);
  const deep = typeof channels === "number" ? channels * b * b : call.unknown();
  const cut = call.reshape(value, last ? [batch, tall, b, wide, b, channels] : [batch, channels, tall, b, wide, b]);
  const [y, x] = last ? [2, 4] : [3, 5];
  const turned = call.transpose(fixedBlocks(call, cut, [y, x]), last ? [0, 1, 3, 2, 4, 5] : [0, 3, 5, 1, 2, 4]);
  return [call.reshape(turned, last ? [batch, tall, wide, deep] : [batch, deep, tall, wide])];
};

/** Positions in a block keep their order. */
function fixedBlocks(call: Call, value: GraphValue, axes: readonly number[]): GraphValue {
  call.fix(value, `${call.operator.kind} places channels by their number`, axes);
  return value;
}

function scaled(call: Call, size: Size, by: number): Size {
  return typeof size === "number" ? size * by : call.unknown();
}

function give(call: Call, value: GraphValue, reason: string): GraphValue[] {
  call.fix(value, reason);
  return [call.opaque(reason)];
}

/** Regions of an image, one for each box: channels pass. */
const regions: Kind = (call) => {
  const value = call.ranked(call.input(0), 4);
  for (const other of call.inputs.slice(1)) if (other !== undefined) call.fix(other, "says where regions are");
  const sizes = call.numbers("pooled_shape") ?? [call.number("output_height", 1), call.number("output_width", 1)];
  call.fix(value, "has regions taken from it", [0]);
  const result = moved(call, value, sizes, "are positions of a region");
  const [, ...rest] = result.shape!;
  return [
    call.relate({
      operands: [{ value: result, labels: ["b", "c", "s0", "s1"] }],
      outputs: [["r", "c", "s0", "s1"]],
      sizes: new Map<string, Size>([
        ["r", call.unknown()],
        ["c", rest[0]!],
      ]),
      ordered: new Map([["r", "regions keep their order"]]),
    })[0],
  ];
};

/** Samples at the positions of a grid: channels pass. */
const gridSample: Kind = (call) => {
  const value = call.input(0);
  call.fix(call.input(1), "says where samples are taken");
  const { shape } = value;
  if (shape === undefined) return [value];
  const grid = call.input(1).shape;
  const positions = shape.slice(2).map((_, at) => grid?.[at + 1] ?? call.unknown());
  return [moved(call, value, positions, "are sampled by place")];
};

/** One entry for each kind. */
export const POOLS: readonly [string, Kind][] = [
  ["MaxPool", pool],
  ["AveragePool", pool],
  ["LpPool", pool],
  ["Resize", resize],
  ["Upsample", resize],
  ["DepthToSpace", depthToSpace],
  ["SpaceToDepth", spaceToDepth],
  ["RoiAlign", regions],
  ["MaxRoiPool", regions],
  ["GridSample", gridSample],
];
