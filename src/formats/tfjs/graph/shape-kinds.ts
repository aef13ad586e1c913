/** Operators of TensorFlow's graphs that move, join, cut and reduce. */

import { flagOf, knownNumbers, type NodeCall, type NodeKind, numbersOf, op, textOf, wholeOf } from "./graph-node.ts";

const reshape: NodeKind = (call) => [op(call, "Reshape", call.inputs.slice(0, 2), {}, call.known(1)?.values.length)];

const transpose: NodeKind = (call) => {
  const perm = knownNumbers(call, 1);
  return perm && [op(call, "Transpose", [call.inputs[0]!], { perm })];
};

const squeeze: NodeKind = (call) => {
  const axes = numbersOf(call, "squeeze_dims") ?? numbersOf(call, "axis");
  const rank = call.builder.rank(call.inputs[0]);
  const inputs = axes === undefined ? [call.inputs[0]!] : [call.inputs[0]!, call.builder.constant(axes)];
  return [call.builder.op("Squeeze", call.node.name, inputs, {}, axes && rank && rank - axes.length)];
};

const expandDims: NodeKind = (call) => {
  const axes = knownNumbers(call, 1);
  const rank = call.builder.rank(call.inputs[0]);
  if (axes === undefined) return undefined;
  const inputs = [call.inputs[0]!, call.builder.constant(axes)];
  return [call.builder.op("Unsqueeze", call.node.name, inputs, {}, rank === undefined ? undefined : rank + 1)];
};

/** The axis is an input: the last, or before version 2 the first. */
const concat =
  (isLast: boolean): NodeKind =>
  (call) => {
    const at = isLast ? call.inputs.length - 1 : 0;
    const axis = knownNumbers(call, at)?.[0];
    return axis === undefined
      ? undefined
      : [op(call, "Concat", isLast ? call.inputs.slice(0, -1) : call.inputs.slice(1), { axis })];
  };

/** Axis, value; parts are equal. */
const split: NodeKind = (call) => {
  const axis = knownNumbers(call, 0)?.[0];
  const count = wholeOf(call, "num_split", 0);
  if (axis === undefined || count < 1 || count < call.outputs) return undefined;
  return call.builder.ops("Split", call.node.name, [call.inputs[1]!], count, { axis, num_outputs: count });
};

/** Value, sizes, axis. */
const splitV: NodeKind = (call) => {
  const [sizes, axis] = [knownNumbers(call, 1), knownNumbers(call, 2)?.[0]];
  if (sizes === undefined || axis === undefined || sizes.includes(-1) || sizes.length < call.outputs) return undefined;
  const { builder, node, inputs } = call;
  return builder.ops("Split", node.name, [inputs[0]!, builder.constant(sizes)], sizes.length, { axis });
};

const FAR = 2 ** 31 - 1;

/** Value, first places, sizes, of which −1 is all that is left. */
const slice: NodeKind = (call) => {
  const [begin, size] = [knownNumbers(call, 1), knownNumbers(call, 2)];
  if (begin === undefined || size === undefined || begin.length !== size.length) return undefined;
  const { builder, inputs } = call;
  const ends = begin.map((start, at) => (size[at] === -1 ? FAR : start + size[at]!));
  return [
    op(call, "Slice", [
      inputs[0]!,
      builder.constant(begin),
      builder.constant(ends),
      builder.constant(begin.map((_, at) => at)),
    ]),
  ];
};

/** Value, begins, ends, strides; bits of masks mark which of these do not count, and which axes go. */
const stridedSlice: NodeKind = (call) => {
  const [begin, end, strides] = [1, 2, 3].map((at) => knownNumbers(call, at));
  const mask = (key: string): number => wholeOf(call, key, 0);
  if (begin === undefined || end === undefined || strides === undefined) return undefined;
  if (mask("ellipsis_mask") !== 0 || mask("new_axis_mask") !== 0) return undefined;
  const has = (key: string, at: number): boolean => ((mask(key) >> at) & 1) === 1;
  const gone = begin.flatMap((_, at) => (has("shrink_axis_mask", at) ? [at] : []));
  const starts = begin.map((start, at) =>
    has("begin_mask", at) && !gone.includes(at) ? (strides[at]! < 0 ? FAR : 0) : start,
  );
  const ends = end.map((stop, at) => {
    if (gone.includes(at)) return starts[at] === -1 ? FAR : starts[at]! + 1;
    return has("end_mask", at) ? (strides[at]! < 0 ? -FAR : FAR) : stop;
  });
  const { builder, inputs, node } = call;
  const steps = strides.map((step, at) => (gone.includes(at) ? 1 : step));
  const parts = [starts, ends, begin.map((_, at) => at), steps].map((list) => builder.constant(list));
  const cut = op(call, "Slice", [inputs[0]!, ...parts]);
  const rank = builder.rank(cut);
  return [
    gone.length === 0
      ? cut
      : builder.op("Squeeze", node.name, [cut, builder.constant(gone)], {}, rank && rank - gone.length),
  ];
};

/** Value, pairs of places before and behind, and what is put there. */
const pad: NodeKind = (call) => {
  const pairs = knownNumbers(call, 1);
  if (pairs === undefined) return undefined;
  const pads = [...pairs.filter((_, at) => at % 2 === 0), ...pairs.filter((_, at) => at % 2 === 1)];
  const { builder, inputs, node } = call;
  const mode =
    node.op === "MirrorPad" ? (textOf(call, "mode", "REFLECT") === "REFLECT" ? "reflect" : undefined) : "constant";
  if (mode === undefined) return undefined;
  return [op(call, "Pad", [inputs[0]!, builder.constant(pads), ...inputs.slice(2, 3)], { mode })];
};

const pack: NodeKind = (call) => {
  const axis = wholeOf(call, "axis", 0);
  const { builder, inputs } = call;
  const rank = builder.rank(inputs[0]);
  const more = rank === undefined ? undefined : rank + 1;
  return [
    op(
      call,
      "Concat",
      inputs.map((input) => op(call, "Unsqueeze", [input, builder.constant([axis])], {}, more)),
      { axis },
      more,
    ),
  ];
};

/** Slices of an axis, each without it. */
const unpack: NodeKind = (call) => {
  const { builder, node, inputs } = call;
  const [axis, count, rank] = [wholeOf(call, "axis", 0), wholeOf(call, "num", 0), builder.rank(inputs[0])];
  if (count < 1 || count < call.outputs) return undefined;
  const parts = builder.ops("Split", node.name, inputs, count, { axis, num_outputs: count });
  const at = builder.constant([axis]);
  return parts.map((part) => builder.op("Squeeze", node.name, [part, at], {}, rank && rank - 1));
};

/** The largest elements of the last axis, and their places. */
const topK: NodeKind = (call) => {
  const { builder, node, inputs } = call;
  const count = builder.op("Reshape", node.name, [inputs[1]!, builder.constant([1])], {}, 1);
  return builder.ops("TopK", node.name, [inputs[0]!, count], 2, { axis: -1 });
};

const reduce =
  (kind: string): NodeKind =>
  (call) => {
    const axes = knownNumbers(call, 1);
    if (axes === undefined) return undefined;
    const { builder, inputs, node } = call;
    const keeps = flagOf(call, "keep_dims") || flagOf(call, "keepdims");
    const rank = builder.rank(inputs[0]);
    return [
      builder.op(
        kind,
        node.name,
        [inputs[0]!, builder.constant(axes)],
        { keepdims: Number(keeps) },
        keeps ? rank : rank && rank - axes.length,
      ),
    ];
  };

const argument =
  (kind: string): NodeKind =>
  (call) => {
    const axis = knownNumbers(call, 1)?.[0];
    const rank = call.builder.rank(call.inputs[0]);
    return axis === undefined
      ? undefined
      : [call.builder.op(kind, call.node.name, [call.inputs[0]!], { axis, keepdims: 0 }, rank && rank - 1)];
  };

const gather: NodeKind = (call) => {
  const axis = call.node.op === "GatherV2" ? knownNumbers(call, 2)?.[0] : 0;
  return axis === undefined || wholeOf(call, "batch_dims", 0) !== 0
    ? undefined
    : [call.builder.op("Gather", call.node.name, call.inputs.slice(0, 2), { axis }, undefined)];
};

const resize =
  (mode: string): NodeKind =>
  (call) => {
    const { builder, inputs } = call;
    return [
      op(
        call,
        "Resize",
        [inputs[0]!, "", "", inputs[1]!],
        { mode, axes: [1, 2], layout: "nhwc" },
        builder.rank(inputs[0]),
      ),
    ];
  };

const blocks =
  (kind: string): NodeKind =>
  (call) => {
    const blocksize = wholeOf(call, "block_size", 0);
    if (blocksize < 1 || textOf(call, "data_format", "NHWC") !== "NHWC") return undefined;
    return [
      op(call, kind, call.inputs, { blocksize, mode: kind === "DepthToSpace" ? "DCR" : undefined, layout: "nhwc" }),
    ];
  };

const einsum: NodeKind = (call) => [
  call.builder.op("Einsum", call.node.name, call.inputs, { equation: textOf(call, "equation", "") }, undefined),
];

const unranked =
  (kind: string): NodeKind =>
  (call: NodeCall) => [call.builder.op(kind, call.node.name, call.inputs, {}, undefined)];

/** By name. */
export const SHAPES: readonly [string, NodeKind][] = [
  ["Reshape", reshape],
  ["Transpose", transpose],
  ["Squeeze", squeeze],
  ["ExpandDims", expandDims],
  ["Concat", concat(false)],
  ["ConcatV2", concat(true)],
  ["Split", split],
  ["SplitV", splitV],
  ["Slice", slice],
  ["StridedSlice", stridedSlice],
  ["Pad", pad],
  ["PadV2", pad],
  ["MirrorPad", pad],
  ["Pack", pack],
  ["Unpack", unpack],
  ["TopKV2", topK],
  ["GatherNd", (call) => [call.builder.op("GatherND", call.node.name, call.inputs.slice(0, 2), {}, undefined)]],
  ["Fill", (call) => [call.builder.op("Expand", call.node.name, call.inputs.toReversed(), {}, undefined)]],
  ["Mean", reduce("ReduceMean")],
  ["Sum", reduce("ReduceSum")],
  ["Max", reduce("ReduceMax")],
  ["Min", reduce("ReduceMin")],
  ["Prod", reduce("ReduceProd")],
  ["All", reduce("ReduceMin")],
  ["Any", reduce("ReduceMax")],
  ["ArgMax", argument("ArgMax")],
  ["ArgMin", argument("ArgMin")],
  ["Gather", gather],
  ["GatherV2", gather],
  ["ResizeBilinear", resize("linear")],
  ["ResizeNearestNeighbor", resize("nearest")],
  ["DepthToSpace", blocks("DepthToSpace")],
  ["SpaceToDepth", blocks("SpaceToDepth")],
  ["Einsum", einsum],
  ["Shape", (call) => [call.builder.op("Shape", call.node.name, call.inputs, {}, 1)]],
  ["Tile", (call) => [op(call, "Tile", call.inputs)]],
  ["BroadcastTo", unranked("Expand")],
  ["Range", (call) => [call.builder.op("Range", call.node.name, call.inputs, {}, 1)]],
];
