/** Norms, softmax, and other operators that divide each element by something of its neighbours. */

import { SpecError } from "../../base/errors.ts";
import { fromRight, joined } from "./elementwise.ts";
import type { Call, GraphValue, Kind, Labelled, Labels } from "./kind.ts";
import { dividedSize } from "./sizes.ts";
import { imageLabels, imageSizes } from "./spatial.ts";

/** Axis `at`, counted from the end where negative. */
export function axisOf(call: Call, at: number, rank: number): number {
  const axis = at < 0 ? at + rank : at;
  if (Number.isInteger(axis) && axis >= 0 && axis < rank) return axis;
  throw new SpecError(`${call.operator.name} has axis ${at}, expected one of ${rank}`);
}

/** A value whose channels are labelled, with vectors of one element a channel. */
function overChannels(call: Call, value: GraphValue, vectors: readonly number[]): GraphValue {
  if (value.shape === undefined) {
    for (const at of vectors)
      if (call.inputs[at] !== undefined) call.fix(call.input(at), "meets a value of unknown rank");
    return value;
  }
  const labels = imageLabels(call, "b", "c", fromRight(value.shape.length - 2, "s"));
  const own = vectors.flatMap((at): Labelled[] => {
    const vector = call.inputs[at];
    return vector === undefined ? [] : [{ value: vector, labels: ["c"].slice(1 - (vector.shape?.length ?? 1)) }];
  });
  return call.relate({
    operands: [{ value, labels: value.shape.length === 1 ? ["c"] : labels }, ...own],
    outputs: [value.shape.length === 1 ? ["c"] : labels],
  })[0]!;
}

const batchNorm: Kind = (call) => {
  call.statistic(3);
  call.statistic(4);
  return [overChannels(call, call.input(0), [1, 2, 3, 4])];
};

/** Over the positions of each channel. */
const instanceNorm: Kind = (call) => {
  const value = call.input(0);
  if (value.shape === undefined) return [overChannels(call, value, [1, 2])];
  return [overChannels(call, within(call, value, imageAxes(call, value.shape.length)), [1, 2])];
};

/** Batch and channels. */
function imageAxes(call: Call, rank: number): number[] {
  const names = imageLabels(call, "b", "c", fromRight(rank - 2, "s"));
  return [names.indexOf("b"), names.indexOf("c")];
}

/** The value, of which an operator works within each position of the axes `kept`. */
export function within(call: Call, value: GraphValue, kept: readonly number[]): GraphValue {
  const labels = value.shape!.map((_, at) => `a${at}`);
  return call.relate({
    operands: [{ value, labels }],
    outputs: [labels],
    inside: [kept.map((at) => `a${at}`)],
  })[0]!;
}

/**
 * Over groups of channels; scale and bias are one a channel (one a group before opset 21 is the importer's to repeat).
 */
const groupNorm: Kind = (call) => {
  const value = call.input(0);
  if (value.shape === undefined) return [overChannels(call, value, [1, 2])];
  const { channels } = imageSizes(call, value);
  const groups = call.number("num_groups", 1);
  const inner = dividedSize(channels, groups);
  if (inner === undefined)
    throw new SpecError(`${call.operator.name} has ${groups} groups of ${channels} channels, expected them to divide`);
  const labels = imageLabels<Labels>(call, "b", ["g", "c"], fromRight(value.shape.length - 2, "s"));
  const [result] = call.relate({
    operands: [{ value, labels }],
    outputs: [labels],
    sizes: new Map([
      ["g", groups],
      ["c", inner],
    ]),
    inside: [["b", "g"]],
  });
  return [overChannels(call, result!, [1, 2])];
};

/** Over all axes from `axis` on; scale and bias broadcast. */
const layerNorm: Kind = (call) => [normed(call, call.input(0), call.number("axis", -1), call.inputs.slice(1))];

function normed(call: Call, value: GraphValue, from: number, vectors: readonly (GraphValue | undefined)[]): GraphValue {
  const own = vectors.filter((vector) => vector !== undefined);
  if (value.shape === undefined) return joined(call, [value, ...own]);
  const axis = axisOf(call, from, value.shape.length);
  return joined(call, [within(call, value, [...Array(axis).keys()]), ...own]);
}

/** `com.microsoft.SkipLayerNormalization`: the sum of input, skip and bias, normed; the sum is the fourth output. */
const skipNorm =
  (hasBeta: boolean): Kind =>
  (call) => {
    const [value, skip, gamma, ...rest] = call.inputs;
    const [beta, bias] = hasBeta ? rest : [undefined, rest[0]];
    const sum = joined(
      call,
      [value, skip, bias].filter((each) => each !== undefined),
    );
    return [normed(call, sum, -1, [gamma, beta]), undefined, undefined, sum];
  };

const meanVariance: Kind = (call) => {
  const value = call.input(0);
  const rank = value.shape?.length;
  if (rank === undefined) return [value];
  const over = (call.numbers("axes") ?? [0, 2, 3]).map((axis) => axisOf(call, axis, rank));
  return [
    within(
      call,
      value,
      [...Array(rank).keys()].filter((axis) => !over.includes(axis)),
    ),
  ];
};

const alongAxis: Kind = (call) => {
  const value = call.input(0);
  const rank = value.shape?.length;
  if (rank === undefined) return [value];
  const axis = axisOf(call, call.number("axis", -1), rank);
  return [
    within(
      call,
      value,
      [...Array(rank).keys()].filter((each) => each !== axis),
    ),
  ];
};

/** Over neighbouring channels. */
const localResponse: Kind = (call) => {
  const value = call.input(0);
  if (value.shape !== undefined)
    call.fix(value, "LRN reads neighbouring channels", [imageAxes(call, value.shape.length)[1]!]);
  return [value];
};

/** One entry for each kind. */
export const NORMALISATIONS: readonly [string, Kind][] = [
  ["BatchNormalization", batchNorm],
  ["InstanceNormalization", instanceNorm],
  ["GroupNormalization", groupNorm],
  ["LayerNormalization", layerNorm],
  ["RMSNormalization", layerNorm],
  ["SimplifiedLayerNormalization", layerNorm],
  ["com.microsoft.SkipLayerNormalization", skipNorm(true)],
  ["com.microsoft.SkipSimplifiedLayerNormalization", skipNorm(false)],
  ["MeanVarianceNormalization", meanVariance],
  ["Softmax", alongAxis],
  ["LogSoftmax", alongAxis],
  ["Hardmax", alongAxis],
  ["LpNormalization", alongAxis],
  ["LRN", localResponse],
];
