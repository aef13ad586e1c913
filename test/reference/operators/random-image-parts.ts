/** Parts of random networks on images `[batch, channels, height, width]`. */

import type { Growing, Made, RandomPart } from "./random-graph.ts";

const SMOOTH = ["Tanh", "Sigmoid", "LeakyRelu", "Softplus"];

function conv({ b, module }: Growing, { name, shape }: Made, out: number, window: number, group = 1): Made {
  const label = module();
  const weight = b.tensor(`${label}.weight`, [out, shape[1]! / group, window, window]);
  const pad = (window - 1) / 2;
  const made = b.operator("Conv", [name, weight, b.tensor(`${label}.bias`, [out])], {
    pads: [pad, pad, pad, pad],
    group,
  });
  return { name: made, shape: shape.with(1, out) };
}

const plain: RandomPart = (growing, value) => {
  const made = conv(growing, value, growing.size(), growing.pick([1, 3]));
  return { ...made, name: growing.b.operator(growing.pick(SMOOTH), [made.name]) };
};

const depthwise: RandomPart = (growing, value) => {
  const multiplier = growing.pick([1, 1, 2]);
  return conv(growing, value, value.shape[1]! * multiplier, 3, value.shape[1]!);
};

const grouped: RandomPart = (growing, value) =>
  value.shape[1]! % 2 === 0 ? conv(growing, value, growing.size(), 3, 2) : undefined;

const residual: RandomPart = (growing, value) => {
  const inner = plain(growing, value)!;
  const back = conv(growing, inner, value.shape[1]!, 3);
  return { name: growing.b.operator("Add", [value.name, back.name]), shape: value.shape };
};

const transposed: RandomPart = ({ b, module, size }, { name, shape }) => {
  const [label, out] = [module(), size()];
  const weight = b.tensor(`${label}.weight`, [shape[1]!, out, 2, 2]);
  const made = b.operator("ConvTranspose", [name, weight, b.tensor(`${label}.bias`, [out])], { strides: [1, 1] });
  return { name: made, shape: [shape[0]!, out, shape[2]! + 1, shape[3]! + 1] };
};

const batchNorm: RandomPart = ({ b, module }, { name, shape }) => {
  const label = module();
  const own = (part: string, positive = false): string => b.tensor(`${label}.${part}`, [shape[1]!], positive);
  const inputs = [name, own("weight"), own("bias"), own("running_mean"), own("running_var", true)];
  return { name: b.operator("BatchNormalization", inputs), shape };
};

const instanceNorm: RandomPart = (growing, value) => {
  const { b, module } = growing;
  const made = plain(growing, value)!;
  const label = module();
  const vectors = [b.tensor(`${label}.weight`, [made.shape[1]!]), b.tensor(`${label}.bias`, [made.shape[1]!])];
  return { ...made, name: b.operator("InstanceNormalization", [made.name, ...vectors]) };
};

const groupNorm: RandomPart = (growing, value) => {
  const { b, module } = growing;
  const made = plain(growing, value)!;
  const channels = made.shape[1]!;
  const label = module();
  const vectors = [b.tensor(`${label}.weight`, [channels]), b.tensor(`${label}.bias`, [channels])];
  return {
    ...made,
    name: b.operator("GroupNormalization", [made.name, ...vectors], { num_groups: growing.pick([1, 2]) }),
  };
};

const pool: RandomPart = ({ b, pick }, { name, shape }) => {
  if (shape[2]! < 4 || shape[3]! < 4) return undefined;
  const made = b.operator(pick(["MaxPool", "AveragePool"]), [name], { kernel_shape: [2, 2], strides: [2, 2] });
  return { name: made, shape: [...shape.slice(0, 2), Math.floor(shape[2]! / 2), Math.floor(shape[3]! / 2)] };
};

const concat: RandomPart = ({ b, pick, values }, { name, shape }) => {
  const fits = values.filter(
    (other) => other.shape.length === 4 && other.shape.with(1, 0).join() === shape.with(1, 0).join(),
  );
  const other = pick(fits);
  const acted = b.operator("Tanh", [other.name]);
  return { name: b.operator("Concat", [name, acted], { axis: 1 }), shape: shape.with(1, shape[1]! + other.shape[1]!) };
};

const join: RandomPart = ({ b, pick, values }, { name, shape }) => {
  const others = values.filter((other) => other.shape.join() === shape.join() && other.name !== name);
  return others.length === 0 ? undefined : { name: b.operator(pick(["Add", "Mul"]), [name, pick(others).name]), shape };
};

/** Channels scaled by what a small network makes of their means. */
const squeeze: RandomPart = (growing, value) => {
  const { b } = growing;
  const mean = { name: b.operator("GlobalAveragePool", [value.name]), shape: [...value.shape.slice(0, 2), 1, 1] };
  const small = conv(growing, mean, 4, 1);
  const back = conv(growing, { ...small, name: b.operator("Tanh", [small.name]) }, value.shape[1]!, 1);
  return { name: b.operator("Mul", [value.name, b.operator("Sigmoid", [back.name])]), shape: value.shape };
};

const prelu: RandomPart = ({ b, module }, { name, shape }) => ({
  name: b.operator("PRelu", [name, b.tensor(`${module()}.slope`, [shape[1]!, 1, 1])]),
  shape,
});

const split: RandomPart = ({ b }, { name, shape }) => {
  if (shape[1]! % 2 !== 0 || shape[1]! < 4) return undefined;
  const [left, right] = b.operators("Split", [name], 2, { axis: 1 });
  return { name: b.operator("Mul", [b.operator("Sigmoid", [left!]), right!]), shape: shape.with(1, shape[1]! / 2) };
};

const shuffle: RandomPart = ({ b }, { name, shape }) => {
  const [, channels, height, width] = shape as [number, number, number, number];
  if (channels % 2 !== 0 || channels < 4) return undefined;
  const cut = b.operator("Reshape", [name, b.constant([0, 2, channels / 2, height, width])]);
  const turned = b.operator("Transpose", [cut], { perm: [0, 2, 1, 3, 4] });
  return { name: b.operator("Reshape", [turned, b.constant([0, channels, height, width])]), shape };
};

const upsample: RandomPart = ({ b }, { name, shape }) => {
  if (shape[2]! > 4) return undefined;
  const made = b.operator("Resize", [name, "", b.constant([1, 1, 2, 2], [4], "float")]);
  return { name: made, shape: [...shape.slice(0, 2), 2 * shape[2]!, 2 * shape[3]!] };
};

const depthToSpace: RandomPart = ({ b, pick }, { name, shape }) => {
  if (shape[1]! % 4 !== 0 || shape[1]! < 8 || shape[2]! > 4) return undefined;
  const made = b.operator("DepthToSpace", [name], { blocksize: 2, mode: pick(["DCR", "CRD"]) });
  return { name: made, shape: [shape[0]!, shape[1]! / 4, 2 * shape[2]!, 2 * shape[3]!] };
};

/** Positions as a sequence. */
const patches: RandomPart = ({ b }, { name, shape }) => {
  const [batch, channels, height, width] = shape as [number, number, number, number];
  if (height * width > 9) return undefined;
  const flat = b.operator("Reshape", [name, b.constant([0, 0, -1])]);
  return { name: b.operator("Transpose", [flat], { perm: [0, 2, 1] }), shape: [batch, height * width, channels] };
};

/** One entry for each part. */
export const IMAGE_PARTS: readonly (readonly [string, RandomPart])[] = [
  ["convolution", plain],
  ["convolution", plain],
  ["depthwise", depthwise],
  ["grouped", grouped],
  ["residual", residual],
  ["transposed", transposed],
  ["batch norm", batchNorm],
  ["instance norm", instanceNorm],
  ["group norm", groupNorm],
  ["pool", pool],
  ["concat", concat],
  ["join", join],
  ["squeeze and excite", squeeze],
  ["prelu", prelu],
  ["split", split],
  ["shuffle", shuffle],
  ["upsample", upsample],
  ["depth to space", depthToSpace],
  ["patches", patches],
];
