/** Layers of Keras without tensors: activations, pools, shapes, sums. */

import {
  activated,
  flagOf,
  isChannelsFirst,
  type LayerCall,
  type LayerKind,
  layoutOf,
  op,
  sizesOf,
  wholeOf,
} from "./layer-call.ts";
import { listOf } from "./read-config.ts";

const identity: LayerKind = (call) => [op(call, "Identity", [call.inputs[0]!])];

const simple =
  (kind: string, attributes: (call: LayerCall) => Record<string, number> = () => ({})): LayerKind =>
  (call) => [op(call, kind, [call.inputs[0]!], attributes(call))];

const numberOf = (call: LayerCall, key: string, otherwise: number): number =>
  typeof call.config[key] === "number" ? call.config[key] : otherwise;

/** Slopes below 0 and bounds above; with a threshold it is none of ONNX' operators. */
const relu: LayerKind = (call) => {
  const slope = numberOf(call, "negative_slope", 0);
  const most = call.config.max_value;
  if (numberOf(call, "threshold", 0) !== 0) return undefined;
  const value =
    slope === 0 ? op(call, "Relu", [call.inputs[0]!]) : op(call, "LeakyRelu", [call.inputs[0]!], { alpha: slope });
  return [typeof most === "number" ? op(call, "Min", [value, call.builder.constant(most, "float")]) : value];
};

const softmax: LayerKind = (call) => [op(call, "Softmax", [call.inputs[0]!], { axis: wholeOf(call, "axis") ?? -1 })];

/** Of several inputs, which broadcast. */
const merged =
  (kind: string): LayerKind =>
  (call) =>
    call.inputs.length < 2 ? undefined : [op(call, kind, call.inputs)];

/** Of two inputs, or one by one. */
const folded =
  (kind: string): LayerKind =>
  ({ inputs, ...call }) => {
    const [first, ...rest] = inputs;
    if (first === undefined || rest.length === 0) return undefined;
    return [rest.reduce((value, other) => op({ ...call, inputs }, kind, [value, other]), first)];
  };

const concatenate: LayerKind = (call) => [op(call, "Concat", call.inputs, { axis: wholeOf(call, "axis") ?? -1 })];

const pool =
  (kind: string, axes: number): LayerKind =>
  (call) => {
    const size = sizesOf(call, "pool_size", axes);
    const { padding = "valid" } = call.config;
    if (size === undefined || (padding !== "valid" && padding !== "same")) return undefined;
    const strides = sizesOf(call, "strides", axes) ?? size;
    const auto = padding === "same" ? "SAME_UPPER" : "VALID";
    return [op(call, kind, [call.inputs[0]!], { kernel_shape: size, strides, auto_pad: auto, ...layoutOf(call) })];
  };

const globalPool =
  (kind: string): LayerKind =>
  (call) => {
    const value = op(call, kind, [call.inputs[0]!], layoutOf(call));
    return [flagOf(call, "keepdims", false) ? value : op(call, "Flatten", [value], { axis: 1 }, 2)];
  };

/** Channels-first data is turned before: Keras always flattens channels last. */
const flatten: LayerKind = (call) => {
  const { builder, inputs } = call;
  const rank = builder.rank(inputs[0]);
  if (isChannelsFirst(call) && rank === undefined) return undefined;
  const turned = isChannelsFirst(call) && rank! > 2;
  const perm = turned ? [0, ...Array.from({ length: rank! - 2 }, (_, at) => at + 2), 1] : [];
  const value = turned ? op(call, "Transpose", [inputs[0]!], { perm }) : inputs[0]!;
  return [op(call, "Flatten", [value], { axis: 1 }, 2)];
};

const reshape: LayerKind = (call) => {
  const target = listOf(call.config.target_shape);
  if (target.length === 0 || !target.every(Number.isInteger)) return undefined;
  const shape = call.builder.constant([0, ...(target as number[])]);
  return [op(call, "Reshape", [call.inputs[0]!, shape], {}, target.length + 1)];
};

const permute: LayerKind = (call) => {
  const dims = listOf(call.config.dims);
  return dims.every(Number.isInteger)
    ? [op(call, "Transpose", [call.inputs[0]!], { perm: [0, ...(dims as number[])] })]
    : undefined;
};

const repeatVector: LayerKind = (call) => {
  const count = wholeOf(call, "n");
  if (count === undefined) return undefined;
  const { builder, inputs } = call;
  const row = op(call, "Unsqueeze", [inputs[0]!, builder.constant([1])], {}, 3);
  return [op(call, "Tile", [row, builder.constant([1, count, 1])])];
};

const upsample =
  (axes: number): LayerKind =>
  (call) => {
    const size = sizesOf(call, "size", axes);
    if (size === undefined) return undefined;
    const scales = isChannelsFirst(call) ? [1, 1, ...size] : [1, ...size, 1];
    const mode = call.config.interpolation === "bilinear" ? "linear" : "nearest";
    const { builder, inputs } = call;
    return [op(call, "Resize", [inputs[0]!, "", builder.constant(scales, "float")], { mode, ...layoutOf(call) })];
  };

/** Both ends of each axis of positions: 1, [1, 2] for the axes, or [[1, 1], [2, 2]]. */
function endsOf(call: LayerCall, key: string, axes: number): [number, number][] | undefined {
  const value = call.config[key];
  const list = typeof value === "number" ? new Array<unknown>(axes).fill(value) : listOf(value);
  // Of one axis a list of two is its ends.
  const ends = axes === 1 && list.length === 2 ? [list] : list;
  const pairs = ends.map((end) => (typeof end === "number" ? [end, end] : listOf(end)));
  const isSound = pairs.length === axes && pairs.every((pair) => pair.length === 2 && pair.every(Number.isInteger));
  return isSound ? (pairs as [number, number][]) : undefined;
}

const zeroPadding =
  (axes: number): LayerKind =>
  (call) => {
    const ends = endsOf(call, "padding", axes);
    if (ends === undefined) return undefined;
    const around = (end: 0 | 1): number[] => {
      const own = ends.map((pair) => pair[end]);
      return isChannelsFirst(call) ? [0, 0, ...own] : [0, ...own, 0];
    };
    return [op(call, "Pad", [call.inputs[0]!, call.builder.constant([...around(0), ...around(1)])])];
  };

const cropping =
  (axes: number): LayerKind =>
  (call) => {
    const ends = endsOf(call, "cropping", axes);
    if (ends === undefined) return undefined;
    const { builder, inputs } = call;
    const first = isChannelsFirst(call) ? 2 : 1;
    const starts = builder.constant(ends.map(([start]) => start));
    const stops = builder.constant(ends.map(([, stop]) => (stop === 0 ? 2 ** 31 - 1 : -stop)));
    return [op(call, "Slice", [inputs[0]!, starts, stops, builder.constant(ends.map((_, at) => first + at))])];
  };

const rescaling: LayerKind = (call) => {
  const { scale, offset } = call.config;
  if (typeof scale !== "number" || typeof offset !== "number") return undefined;
  const scaled = op(call, "Mul", [call.inputs[0]!, call.builder.constant(scale, "float")]);
  return [op(call, "Add", [scaled, call.builder.constant(offset, "float")])];
};

const axesOf = (name: string, kind: (axes: number) => LayerKind): [string, LayerKind][] =>
  [1, 2, 3].map((axes) => [name.replace("#", String(axes)), kind(axes)]);
const named = (names: string, kind: LayerKind): [string, LayerKind][] => names.split(" ").map((name) => [name, kind]);

/** By class. Layers that only do something while a network is trained give their input. */
export const PLAIN: readonly [string, LayerKind][] = [
  ...named(
    "Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D GaussianNoise GaussianDropout AlphaDropout",
    identity,
  ),
  ...named("ActivityRegularization Masking Identity RandomFlip RandomRotation RandomZoom RandomTranslation", identity),
  ...named("RandomContrast RandomBrightness RandomCrop", identity),
  ["Activation", (call) => [activated(call, call.inputs[0]!)]],
  ["ReLU", relu],
  [
    "LeakyReLU",
    simple("LeakyRelu", (call) => ({ alpha: numberOf(call, "negative_slope", numberOf(call, "alpha", 0.3)) })),
  ],
  ["ELU", simple("Elu", (call) => ({ alpha: numberOf(call, "alpha", 1) }))],
  ["ThresholdedReLU", simple("ThresholdedRelu", (call) => ({ alpha: numberOf(call, "theta", 1) }))],
  ...named("Relu Sigmoid Tanh Softplus Softsign Gelu Elu Selu Exp Log Sqrt Abs Erf", (call) =>
    call.inputs.length === 1 ? [op(call, call.layer.kind, call.inputs)] : undefined,
  ),
  ["Softmax", softmax],
  ["Add", folded("Add")],
  ["Subtract", folded("Sub")],
  ["Multiply", folded("Mul")],
  ["Divide", folded("Div")],
  ["TrueDivide", folded("Div")],
  ["Average", merged("Mean")],
  ["Maximum", merged("Max")],
  ["Minimum", merged("Min")],
  ["Concatenate", concatenate],
  ...axesOf("MaxPooling#D", (axes) => pool("MaxPool", axes)),
  ...axesOf("AveragePooling#D", (axes) => pool("AveragePool", axes)),
  ...axesOf("GlobalAveragePooling#D", () => globalPool("GlobalAveragePool")),
  ...axesOf("GlobalMaxPooling#D", () => globalPool("GlobalMaxPool")),
  ["Flatten", flatten],
  ["Reshape", reshape],
  ["Permute", permute],
  ["RepeatVector", repeatVector],
  ...axesOf("UpSampling#D", upsample),
  ...axesOf("ZeroPadding#D", zeroPadding),
  ...axesOf("Cropping#D", cropping),
  ["Rescaling", rescaling],
];
