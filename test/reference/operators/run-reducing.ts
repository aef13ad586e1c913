/** Reductions, norms and softmax. */

import { at, build, type NdArray, positions } from "./arrays.ts";
import type { Attributes, Run } from "./run-graph.ts";

/** The elements that agree with `position` but for the axes `over`. */
function slice(x: NdArray, position: readonly number[], over: readonly number[]): number[] {
  const values: number[] = [];
  for (const more of positions(over.map((axis) => x.shape[axis]!))) {
    const own = [...position];
    for (const [k, axis] of over.entries()) own[axis] = more[k]!;
    values.push(at(x, own));
  }
  return values;
}

const wrapped = (axes: readonly number[], rank: number): number[] => axes.map((axis) => (axis + rank) % rank);
const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
const variance = (values: readonly number[]): number => mean(values.map((x) => (x - mean(values)) ** 2));

const reduce =
  (rule: (values: readonly number[]) => number): Run =>
  ([x, axes], attributes) => {
    const rank = x!.shape.length;
    const given = axes === undefined ? attributes.numbers("axes") : [...axes.data];
    const over = wrapped(given ?? [...Array(rank).keys()], rank);
    const whole = build(
      x!.shape.map((size, axis) => (over.includes(axis) ? 1 : size)),
      (position) => rule(slice(x!, position, over)),
    );
    if (attributes.number("keepdims", 1) !== 0) return [whole];
    return [{ shape: x!.shape.filter((_, axis) => !over.includes(axis)), data: whole.data }];
  };

/** Each element less the mean, over the deviation, of the elements that `over` says; then scale and shift. */
const normed =
  (
    overOf: (rank: number, position: readonly number[]) => readonly number[],
    scaleOf: (position: readonly number[]) => readonly number[],
  ): Run =>
  ([x, scale, shift], attributes) => [
    build(x!.shape, (position) => {
      const values = slice(x!, position, overOf(x!.shape.length, position));
      const own = (at(x!, position) - mean(values)) / Math.sqrt(variance(values) + attributes.number("epsilon", 1e-5));
      return (
        own * (scale === undefined ? 1 : at(scale, scaleOf(position))) +
        (shift === undefined ? 0 : at(shift, scaleOf(position)))
      );
    }),
  ];

const spatial = (rank: number): number[] => Array.from({ length: rank - 2 }, (_, k) => k + 2);

/** Over groups of channels and all positions. */
const groupNorm: Run = ([x, scale, shift], attributes) => {
  const each = x!.shape[1]! / attributes.number("num_groups", 1);
  return [
    build(x!.shape, (position) => {
      const first = Math.floor(position[1]! / each) * each;
      const values = Array.from({ length: each }, (_, k) =>
        slice(x!, position.with(1, first + k), spatial(x!.shape.length)),
      ).flat();
      const own = (at(x!, position) - mean(values)) / Math.sqrt(variance(values) + 1e-5);
      return own * scale!.data[position[1]!]! + shift!.data[position[1]!]!;
    }),
  ];
};

const rmsNorm: Run = ([x, scale]) => [
  build(x!.shape, (position) => {
    const values = slice(x!, position, [x!.shape.length - 1]);
    return (at(x!, position) / Math.sqrt(mean(values.map((v) => v * v)) + 1e-5)) * at(scale!, position);
  }),
];

const softmax: Run = ([x], attributes) => {
  const axis = wrapped([attributes.number("axis", -1)], x!.shape.length);
  return [
    build(x!.shape, (position) => {
      const values = slice(x!, position, axis);
      const most = Math.max(...values);
      return Math.exp(at(x!, position) - most) / values.reduce((sum, v) => sum + Math.exp(v - most), 0);
    }),
  ];
};

const argMax: Run = ([x], attributes) => {
  const over = wrapped([attributes.number("axis", 0)], x!.shape.length);
  return reduce((values) => values.indexOf(Math.max(...values)))([x], { ...attributes, numbers: () => over }, 1);
};

const cumSum: Run = ([x, axis]) => {
  const [along] = wrapped([axis!.data[0]!], x!.shape.length) as [number];
  return [
    build(x!.shape, (position) => {
      let sum = 0;
      for (let k = 0; k <= position[along]!; k++) sum += at(x!, position.with(along, k));
      return sum;
    }),
  ];
};

/** Axes of positions, in either layout. */
const positionsOf = ({ shape }: NdArray, attributes: Attributes): number[] =>
  attributes.text("layout", "nchw") === "nhwc" ? spatial(shape.length).map((axis) => axis - 1) : spatial(shape.length);

/** One entry for each kind. */
export const REDUCING: readonly [string, Run][] = [
  ["ReduceSum", reduce((values) => values.reduce((sum, x) => sum + x, 0))],
  ["ReduceMean", reduce(mean)],
  ["ReduceMax", reduce((values) => Math.max(...values))],
  ["ReduceL2", reduce((values) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0)))],
  [
    "GlobalAveragePool",
    ([x], attributes) => reduce(mean)([x], { ...attributes, numbers: () => positionsOf(x!, attributes) }, 1),
  ],
  [
    "GlobalMaxPool",
    ([x], attributes) =>
      reduce((values) => Math.max(...values))([x], { ...attributes, numbers: () => positionsOf(x!, attributes) }, 1),
  ],
  [
    "LayerNormalization",
    normed(
      (rank) => [rank - 1],
      (position) => position,
    ),
  ],
  ["InstanceNormalization", normed(spatial, (position) => [position[1]!])],
  ["GroupNormalization", groupNorm],
  ["RMSNormalization", rmsNorm],
  ["Softmax", softmax],
  ["ArgMax", argMax],
  ["CumSum", cumSum],
];
