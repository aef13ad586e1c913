/** Operators of TensorFlow's graphs with those of ONNX: what has weights, activations, norms and pools. */

import {
  flagOf,
  floatOf,
  type NodeCall,
  type NodeKind,
  numbersOf,
  op,
  textOf,
  textsOf,
  wholeOf,
} from "./graph-node.ts";
import { SHAPES } from "./shape-kinds.ts";

const ACTIVATIONS: Readonly<Record<string, string>> = {
  Relu: "Relu",
  Elu: "Elu",
  Selu: "Selu",
  Sigmoid: "Sigmoid",
  Tanh: "Tanh",
  Softplus: "Softplus",
  Softsign: "Softsign",
  Exp: "Exp",
  Log: "Log",
  Sqrt: "Sqrt",
  Abs: "Abs",
  Neg: "Neg",
  Floor: "Floor",
  Ceil: "Ceil",
  Round: "Round",
  Erf: "Erf",
  Sign: "Sign",
  Sin: "Sin",
  Cos: "Cos",
  Tan: "Tan",
  Atan: "Atan",
  Reciprocal: "Reciprocal",
  LogicalNot: "Not",
  Identity: "Identity",
  StopGradient: "Identity",
  PreventGradient: "Identity",
  Cast: "Cast",
  IsNan: "IsNaN",
};

const PAIRS: Readonly<Record<string, string>> = {
  Add: "Add",
  AddV2: "Add",
  Sub: "Sub",
  Mul: "Mul",
  RealDiv: "Div",
  Div: "Div",
  DivNoNan: "Div",
  Maximum: "Max",
  Minimum: "Min",
  Pow: "Pow",
  AddN: "Sum",
  Greater: "Greater",
  GreaterEqual: "GreaterOrEqual",
  Less: "Less",
  LessEqual: "LessOrEqual",
  Equal: "Equal",
  LogicalAnd: "And",
  LogicalOr: "Or",
  FloorMod: "Mod",
  Prelu: "PRelu",
  Select: "Where",
  SelectV2: "Where",
  ClipByValue: "Clip",
};

const plain =
  (kind: string): NodeKind =>
  (call) => [op(call, kind, call.inputs, {}, largestRank(call))];

function largestRank({ builder, inputs }: NodeCall): number | undefined {
  const ranks = inputs.map((input) => builder.rank(input));
  return ranks.includes(undefined) ? undefined : Math.max(0, ...(ranks as number[]));
}

const isLast = (call: NodeCall): boolean => !textOf(call, "data_format", "NHWC").startsWith("NC");

/** The entries of `strides` and the like that are of positions. */
function positions(call: NodeCall, key: string): number[] | undefined {
  const all = numbersOf(call, key);
  return all && (isLast(call) ? all.slice(1, -1) : all.slice(2));
}

/** Padding; undefined where it is not known. */
function padding(call: NodeCall): Record<string, string | readonly number[]> | undefined {
  const text = textOf(call, "padding", "");
  if (text === "SAME" || text === "VALID") return { auto_pad: text === "SAME" ? "SAME_UPPER" : "VALID" };
  const pairs = numbersOf(call, "explicit_paddings");
  if (text !== "EXPLICIT" || pairs === undefined) return undefined;
  const own = isLast(call) ? pairs.slice(2, -2) : pairs.slice(4);
  return { pads: [...own.filter((_, at) => at % 2 === 0), ...own.filter((_, at) => at % 2 === 1)] };
}

function window(call: NodeCall): Record<string, string | readonly number[] | undefined> | undefined {
  const pads = padding(call);
  const layout = isLast(call) ? "nhwc" : "nchw";
  return pads && { strides: positions(call, "strides"), dilations: positions(call, "dilations"), ...pads, layout };
}

/** What is fused behind a convolution or a product: a bias and an activation, in order. */
function fused(call: NodeCall, value: string): string | undefined {
  const ops = textsOf(call, "fused_ops");
  const rest = [...call.inputs.slice(2)];
  let now = value;
  for (const name of ops) {
    const next = behind(call, name, now, rest);
    if (next === undefined) return undefined;
    now = next;
  }
  return now;
}

function behind(call: NodeCall, name: string, value: string, rest: string[]): string | undefined {
  const { builder } = call;
  if (name === "BiasAdd" && isLast(call)) return op(call, "Add", [value, rest.shift()!]);
  if (name === "Prelu") return op(call, "PRelu", [value, rest.shift()!]);
  if (name === "Relu6") return op(call, "Clip", [value, builder.constant(0, "float"), builder.constant(6, "float")]);
  if (name === "LeakyRelu") return op(call, "LeakyRelu", [value], { alpha: floatOf(call, "leakyrelu_alpha", 0.2) });
  const kind = Object.hasOwn(ACTIVATIONS, name) ? ACTIVATIONS[name] : undefined;
  return kind && op(call, kind, [value]);
}

const one = (value: string | undefined): readonly string[] | undefined => (value === undefined ? undefined : [value]);

const conv =
  (filter: string): NodeKind =>
  (call) => {
    const attributes = window(call);
    const [input, weight] = call.inputs;
    if (attributes === undefined || weight === undefined) return undefined;
    return one(fused(call, op(call, "Conv", [input!, weight], { ...attributes, filter })));
  };

/** Inputs: the result's shape, the filter, what is read. */
const convBackprop: NodeKind = (call) => {
  const attributes = window(call);
  const [, weight, input] = call.inputs;
  if (attributes === undefined || input === undefined) return undefined;
  return [op(call, "ConvTranspose", [input, weight!], { ...attributes, filter: "hwio" })];
};

const matMul: NodeKind = (call) => {
  const turned = (input: string, key: string): string =>
    flagOf(call, key) ? op(call, "Transpose", [input], { perm: [1, 0] }, 2) : input;
  const [a, b] = call.inputs.slice(0, 2).map((input) => ofRank(call, input, 2));
  if (b === undefined) return undefined;
  return one(fused(call, op(call, "MatMul", [turned(a!, "transpose_a"), turned(b, "transpose_b")])));
};

/** A value of this many axes, also where nothing else shows how many. */
function ofRank({ builder, node }: NodeCall, value: string, rank: number): string {
  return builder.rank(value) === undefined ? builder.op("rebasin.Ranked", node.name, [value], { rank }, rank) : value;
}

/**
 * Rows by number, and sums or means of those of a segment: a product with a matrix that only the data show. Inputs are
 * the rows, their numbers, and which segment each is of.
 */
const sparseSegment: NodeKind = (call) => {
  const { builder, node, inputs } = call;
  const [rows, numbers, segments] = inputs;
  if (segments === undefined) return undefined;
  const chosen = builder.op("Gather", node.name, [rows!, ofRank(call, numbers!, 1)], { axis: 0 }, builder.rank(rows));
  const matrix = builder.op(`tensorflow.${node.op}`, node.name, [segments], {}, undefined);
  return [op(call, "MatMul", [ofRank(call, matrix, 2), ofRank(call, chosen, 2)], {}, 2)];
};

const batchMatMul: NodeKind = (call) => {
  const [turnA, turnB] = [flagOf(call, "adj_x"), flagOf(call, "adj_y")];
  if (!turnA && !turnB) return [op(call, "MatMul", call.inputs)];
  const equation = `...${turnA ? "ji" : "ij"},...${turnB ? "kj" : "jk"}->...ik`;
  return [op(call, "Einsum", call.inputs, { equation })];
};

const biasAdd: NodeKind = (call) => (isLast(call) ? [op(call, "Add", call.inputs)] : undefined);

const batchNorm: NodeKind = (call) => {
  const attributes = { epsilon: floatOf(call, "epsilon", 1e-4), layout: isLast(call) ? "nhwc" : "nchw" };
  return call.outputs > 1 || flagOf(call, "is_training")
    ? undefined
    : [op(call, "BatchNormalization", call.inputs.slice(0, 5), attributes)];
};

const pool =
  (kind: string): NodeKind =>
  (call) => {
    const [pads, size] = [padding(call), positions(call, "ksize")];
    const all = numbersOf(call, "ksize");
    if (pads === undefined || size === undefined || all![0] !== 1 || all![isLast(call) ? all!.length - 1 : 1] !== 1)
      return undefined;
    const attributes = {
      kernel_shape: size,
      strides: positions(call, "strides"),
      ...pads,
      layout: isLast(call) ? "nhwc" : "nchw",
    };
    return [op(call, kind, [call.inputs[0]!], attributes)];
  };

const lrn: NodeKind = (call) => [
  op(call, "LRN", call.inputs, { size: 2 * wholeOf(call, "depth_radius", 5) + 1, layout: "nhwc" }),
];

/** By name. */
export const NODES: ReadonlyMap<string, NodeKind> = new Map<string, NodeKind>([
  ...Object.entries(ACTIVATIONS).map(([name, kind]): [string, NodeKind] => [name, plain(kind)]),
  ...Object.entries(PAIRS).map(([name, kind]): [string, NodeKind] => [name, plain(kind)]),
  ...SHAPES,
  ["Relu6", (call) => one(behind(call, "Relu6", call.inputs[0]!, []))],
  ["LeakyRelu", (call) => [op(call, "LeakyRelu", call.inputs, { alpha: floatOf(call, "alpha", 0.2) })]],
  ["Softmax", (call) => [op(call, "Softmax", call.inputs, { axis: -1 })]],
  ["LogSoftmax", (call) => [op(call, "LogSoftmax", call.inputs, { axis: -1 })]],
  ["Rsqrt", (call) => [op(call, "Reciprocal", [op(call, "Sqrt", call.inputs)])]],
  ["Square", (call) => [op(call, "Mul", [call.inputs[0]!, call.inputs[0]!])]],
  ["SquaredDifference", squaredDifference],
  ["Conv2D", conv("hwio")],
  ["Conv3D", conv("hwio")],
  ["_FusedConv2D", conv("hwio")],
  ["DepthwiseConv2dNative", conv("hwim")],
  ["DepthwiseConv2d", conv("hwim")],
  ["FusedDepthwiseConv2dNative", conv("hwim")],
  ["Conv2DBackpropInput", convBackprop],
  ["MatMul", matMul],
  ["_FusedMatMul", matMul],
  ["SparseSegmentMean", sparseSegment],
  ["SparseSegmentSum", sparseSegment],
  ["SparseSegmentSqrtN", sparseSegment],
  ["FloorDiv", (call) => [op(call, "Floor", [op(call, "Div", call.inputs, {}, largestRank(call))])]],
  ["NotEqual", (call) => [op(call, "Not", [op(call, "Equal", call.inputs, {}, largestRank(call))])]],
  ["ZerosLike", (call) => [op(call, "Sub", [call.inputs[0]!, call.inputs[0]!])]],
  ["BatchMatMul", batchMatMul],
  ["BatchMatMulV2", batchMatMul],
  ["BiasAdd", biasAdd],
  ["FusedBatchNorm", batchNorm],
  ["FusedBatchNormV2", batchNorm],
  ["FusedBatchNormV3", batchNorm],
  ["MaxPool", pool("MaxPool")],
  ["AvgPool", pool("AveragePool")],
  ["MaxPool3D", pool("MaxPool")],
  ["AvgPool3D", pool("AveragePool")],
  ["LRN", lrn],
]);

function squaredDifference(call: NodeCall): readonly string[] {
  const difference = op(call, "Sub", call.inputs, {}, largestRank(call));
  return [op(call, "Mul", [difference, difference])];
}
