/** What `Graph` has for an operator of a file, if the two compute the same in all cases. */

import type { GraphUse } from "../base/model.ts";
import type { OperationKind } from "../graph/graph.ts";
import type { Size } from "../graph/kinds/sizes.ts";
import type { Operator } from "../graph/operators.ts";
import { describeConv, describePool } from "./describe-window.ts";
import { type ChannelAxis, isOwnTensor, type NetworkDraft } from "./network-draft.ts";

/** What was found; nothing at all: an operator without weights that only its runtime knows. */
export interface Described {
  readonly kind?: OperationKind | undefined;
  /** Values of the file that the operation reads. */
  readonly reads?: readonly string[] | undefined;
  /** The value that it makes, where that is not the operator's first. */
  readonly output?: string | undefined;
  /** Where the value that is made has its channels. */
  readonly side?: ChannelAxis | undefined;
  /** The value is this one, perhaps with its axes in another order. */
  readonly same?: string | undefined;
  /** It is part of an operation that comes later. */
  readonly later?: boolean | undefined;
  /** Why an operator with weights is none here. */
  readonly why?: string | undefined;
}

type Describe = (drawing: NetworkDraft, operator: Operator) => Described;

/** Not described, and without weights. */
const NOTHING: Described = {};

/** See `Described`. */
export function describeOperator(drawing: NetworkDraft, operator: Operator): Described {
  const found = (DESCRIBERS.get(operator.kind) ?? unknown)(drawing, operator);
  if (found.kind !== undefined || found.same !== undefined || found.later || found.why !== undefined) return found;
  return unknown(drawing, operator);
}

/** Named where it has weights that units act on. */
const unknown: Describe = ({ reading }, { inputs, bodies }) => {
  if (bodies !== undefined) return { why: "has its values in a body" };
  const weights = inputs.some(
    (value) => (reading.model.tensors.get(reading.tensorOf.get(value) ?? "")?.shape.length ?? 0) > 1,
  );
  return weights ? { why: "is no matrix, kernel or norm of a plain tensor" } : NOTHING;
};

const shapeOf = ({ reading }: NetworkDraft, value: string): readonly Size[] | undefined =>
  reading.values.get(value)?.shape;
const rankOf = (drawing: NetworkDraft, value: string): number | undefined => shapeOf(drawing, value)?.length;

/** Where the channels of a value are; in rows axis 1 is the last. */
const sideOf = (drawing: NetworkDraft, value: string): ChannelAxis | undefined =>
  rankOf(drawing, value) === 2 ? -1 : drawing.sides.get(value);

/** Of each value by itself. */
const activation =
  (op: "relu" | "gelu" | "tanh" | "silu"): Describe =>
  (drawing, { inputs: [x = ""], attributes }) => {
    if ((attributes.get("approximate") ?? "none") !== "none" || (attributes.get("alpha") ?? 1) !== 1) return NOTHING;
    return { kind: { op }, reads: [x], side: sideOf(drawing, x) };
  };

const tensorName = ({ reading }: NetworkDraft, value: string | undefined): string => reading.tensorOf.get(value ?? "")!;

const gemm: Describe = (drawing, { inputs: [x = "", weight, bias = ""], attributes }) => {
  const of = (name: string, otherwise: number): number => (attributes.get(name) as number | undefined) ?? otherwise;
  if (!drawing.names.has(x) || of("transA", 0) !== 0 || of("alpha", 1) !== 1 || (bias !== "" && of("beta", 1) !== 1))
    return { why: "scales or turns what it multiplies" };
  if (!isOwnTensor(drawing, weight, 2) || (bias !== "" && !isOwnTensor(drawing, bias, 1)))
    return { why: "has no plain tensors of its own" };
  const layout = of("transB", 0) === 0 ? "in-out" : "out-in";
  return denseOf(drawing, { x, weight: weight!, bias: bias || undefined, layout });
};

interface Dense {
  readonly x: string;
  readonly weight: string;
  readonly bias: string | undefined;
  readonly layout: "in-out" | "out-in";
  readonly output?: string | undefined;
}

function denseOf(drawing: NetworkDraft, { x, weight, bias, layout, output }: Dense): Described {
  if ((sideOf(drawing, x) ?? -1) !== -1) return { why: "reads positions, not channels" };
  const { tensors } = drawing.reading.model;
  const outputs = tensors.get(tensorName(drawing, weight))!.shape[layout === "in-out" ? 1 : 0];
  if (bias !== undefined && tensors.get(tensorName(drawing, bias))!.shape[0] !== outputs)
    return { why: "has one bias for all outputs" };
  const named = { weight: tensorName(drawing, weight), bias: bias && tensorName(drawing, bias) };
  return { kind: { op: "dense", ...named, layout }, reads: [x], side: -1, output };
}

/** With the sum behind it that adds a bias. */
const matMul: Describe = (drawing, { inputs: [x = "", weight = ""], outputs: [output = ""] }) => {
  if (!drawing.names.has(x) || !isOwnTensor(drawing, weight, 2))
    return drawing.names.has(x) && drawing.names.has(weight) ? NOTHING : { why: "has no plain tensor of its own" };
  const bias = biasBehind(drawing, output);
  const found = denseOf(drawing, { x, weight, bias, layout: "in-out" });
  return bias === undefined || found.kind === undefined ? found : { later: true };
};

/** The bias that the only reader of a product adds. */
function biasBehind(drawing: NetworkDraft, product: string): string | undefined {
  const [reader, ...others] = drawing.readers.get(product) ?? [];
  if (reader?.kind !== "Add" || others.length > 0 || drawing.graph.outputs.includes(product)) return undefined;
  const bias = reader.inputs.find((value) => value !== product);
  return isOwnTensor(drawing, bias, 1) ? bias : undefined;
}

const add: Describe = (drawing, { inputs, outputs: [output = ""] }) => {
  const product = inputs.find((value) => drawing.later.has(value));
  if (product !== undefined) {
    const [x, weight] = drawing.graph.operators.find((each) => each.outputs[0] === product)!.inputs as [string, string];
    return denseOf(drawing, { x, weight, bias: biasBehind(drawing, product), layout: "in-out", output });
  }
  const [first = ""] = inputs;
  const shape = String(shapeOf(drawing, first) ?? "?");
  const isSum = inputs.every(
    (value) =>
      drawing.names.has(value) &&
      String(shapeOf(drawing, value) ?? "!") === shape &&
      sideOf(drawing, value) === sideOf(drawing, first),
  );
  return isSum ? { kind: { op: "add" }, reads: inputs, side: sideOf(drawing, first) } : NOTHING;
};

const batchNorm: Describe = (drawing, { inputs: [x = "", ...own], attributes, outputs }) => {
  const trains = (attributes.get("training_mode") ?? 0) !== 0 || outputs.slice(1).some((value) => value !== "");
  if (trains) return { why: "normalises by the batch, as in training" };
  const side = rankOf(drawing, x) === 2 ? -1 : 1;
  if (own.length !== 4 || own.some((value) => !isOwnTensor(drawing, value, 1)))
    return { why: "has no plain tensors of its own" };
  if ((sideOf(drawing, x) ?? side) !== side) return { why: "normalises positions, not channels" };
  const [scale, shift, mean, variance] = own.map((value) => tensorName(drawing, value)) as [
    string,
    string,
    string,
    string,
  ];
  const epsilon = (attributes.get("epsilon") as number | undefined) ?? 1e-5;
  return { kind: { op: "batch-norm", scale, shift, mean, variance, epsilon }, reads: [x], side };
};

const layerNorm: Describe = (drawing, { inputs: [x = "", scale, shift = ""], attributes }) => {
  const axis = (attributes.get("axis") as number | undefined) ?? -1;
  const isLast = axis === -1 || axis + 1 === rankOf(drawing, x);
  if (!isLast || (sideOf(drawing, x) ?? -1) !== -1) return { why: "normalises more than the channels of a position" };
  if (!isOwnTensor(drawing, scale, 1) || (shift !== "" && !isOwnTensor(drawing, shift, 1)))
    return { why: "has no plain tensors of its own" };
  const epsilon = (attributes.get("epsilon") as number | undefined) ?? 1e-5;
  const named = { scale: tensorName(drawing, scale), shift: shift === "" ? undefined : tensorName(drawing, shift) };
  return { kind: { op: "layer-norm", ...named, epsilon }, reads: [x], side: -1 };
};

/** Images turned to the other order of channels are the same images. */
const transpose: Describe = (drawing, { inputs: [x = ""], attributes }) => {
  const perm = String(attributes.get("perm"));
  const side = drawing.sides.get(x);
  if (perm === "0,2,3,1" && side === 1) return { same: x, side: -1 };
  if (perm === "0,3,1,2" && side === -1) return { same: x, side: 1 };
  return NOTHING;
};

/** One row an image. */
const flatten: Describe = (drawing, { inputs: [x = ""], outputs: [output = ""] }) => {
  const [from, to] = [shapeOf(drawing, x), shapeOf(drawing, output)];
  if (to?.length !== 2 || from === undefined || from[0] !== to[0]) return NOTHING;
  const mean = meanBehind(drawing, x);
  if (mean !== undefined) return { kind: { op: "global-mean" }, reads: [mean], side: -1 };
  if (from.length === 2) return { same: x };
  const side = sideOf(drawing, x);
  if (from.length !== 4 || side === undefined) return NOTHING;
  const order: NonNullable<GraphUse["flatten"]> = side === 1 ? "channel-major" : "channel-minor";
  return { kind: { op: "flatten", order }, reads: [x], side: -1 };
};

/** What a value is the mean of all positions of, where nothing but `flatten` reads it. */
function meanBehind(drawing: NetworkDraft, value: string): string | undefined {
  if (!drawing.later.has(value)) return undefined;
  return drawing.graph.operators.find(({ outputs }) => outputs[0] === value)?.inputs[0];
}

const globalMean: Describe = (drawing, { inputs: [x = ""], outputs: [output = ""] }) =>
  sideOf(drawing, x) === 1 && isFlattened(drawing, output) ? { later: true } : NOTHING;

/** True where one reader makes rows of a value of one position an image. */
function isFlattened(drawing: NetworkDraft, value: string): boolean {
  const [reader, ...others] = drawing.readers.get(value) ?? [];
  const kinds = ["Flatten", "Reshape", "Squeeze"];
  if (reader === undefined || others.length > 0 || !kinds.includes(reader.kind)) return false;
  const [from, to] = [shapeOf(drawing, value), shapeOf(drawing, reader.outputs[0]!)];
  return from?.length === 4 && to?.length === 2 && from[0] === to[0] && !drawing.graph.outputs.includes(value);
}

const reduceMean: Describe = (drawing, operator) => {
  const {
    inputs: [x = "", axes = ""],
    outputs: [output = ""],
    attributes,
  } = operator;
  const known = drawing.reading.known.get(axes)?.values ?? attributes.get("axes");
  const side = sideOf(drawing, x);
  if (rankOf(drawing, x) !== 4 || side === undefined || !Array.isArray(known)) return NOTHING;
  const over = known
    .map((axis) => (Number(axis) + 4) % 4)
    .sort()
    .join();
  if (over !== (side === 1 ? "2,3" : "1,2")) return NOTHING;
  if ((attributes.get("keepdims") ?? 1) === 0) return { kind: { op: "global-mean" }, reads: [x], side: -1 };
  return isFlattened(drawing, output) ? { later: true } : NOTHING;
};

/** Whole maps at once are their means. */
const averagePool: Describe = (drawing, operator) => {
  const {
    inputs: [x = ""],
    outputs: [output = ""],
    attributes,
  } = operator;
  const kernel = String(attributes.get("kernel_shape"));
  const pads = (attributes.get("pads") ?? []) as readonly number[];
  const [from, to] = [shapeOf(drawing, x), shapeOf(drawing, output)];
  const isWhole = from?.length === 4 && String(from.slice(2)) === kernel && String(to?.slice(2)) === "1,1";
  return isWhole && pads.every((pad) => pad === 0) ? globalMean(drawing, operator) : NOTHING;
};

const conv: Describe = (drawing, operator) => {
  const {
    inputs: [x = "", weight, bias = ""],
  } = operator;
  const rank = drawing.reading.values.get(weight ?? "")?.shape?.length;
  if (rank !== 4) return { why: "is a convolution over other than two axes" };
  if (!isOwnTensor(drawing, weight, 4) || (bias !== "" && !isOwnTensor(drawing, bias, 1)))
    return { why: "has no plain tensors of its own" };
  if ((drawing.sides.get(x) ?? 1) !== 1) return { why: "reads channels that are elsewhere" };
  const moves = describeConv(operator);
  if (moves === undefined) return { why: "pads by sizes that only its runtime knows" };
  const own = { weight: tensorName(drawing, weight), bias: bias === "" ? undefined : tensorName(drawing, bias) };
  return { kind: { op: "conv", ...own, layout: "oihw", ...moves }, reads: [x], side: 1 };
};

const maxPool: Describe = (drawing, operator) => {
  const [x = ""] = operator.inputs;
  const pool = describePool(operator);
  return pool === undefined || (drawing.sides.get(x) ?? 1) !== 1 ? NOTHING : { kind: pool, reads: [x], side: 1 };
};

/** After training it hands on what it reads. */
const dropout: Describe = (_, { inputs: [x = "", , training = ""], outputs }) =>
  training === "" && (outputs[1] ?? "") === "" ? { same: x } : NOTHING;

const DESCRIBERS: ReadonlyMap<string, Describe> = new Map<string, Describe>([
  ["Relu", activation("relu")],
  ["Gelu", activation("gelu")],
  ["Tanh", activation("tanh")],
  ["Swish", activation("silu")],
  ["Gemm", gemm],
  ["MatMul", matMul],
  ["Add", add],
  ["Sum", add],
  ["Conv", conv],
  ["BatchNormalization", batchNorm],
  ["LayerNormalization", layerNorm],
  ["MaxPool", maxPool],
  ["AveragePool", averagePool],
  ["GlobalAveragePool", globalMean],
  ["ReduceMean", reduceMean],
  ["Flatten", flatten],
  ["Reshape", flatten],
  ["Squeeze", flatten],
  ["Transpose", transpose],
  ["Identity", (_, { inputs: [x = ""] }) => ({ same: x })],
  ["Dropout", dropout],
]);
