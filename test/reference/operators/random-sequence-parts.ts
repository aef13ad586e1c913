/** Parts of random networks on sequences `[batch, time, features]`: attention of every layout, recurrences, 1-D convolutions. */

import type { Growing, RandomPart } from "./random-graph.ts";
import { dense, ROW_PARTS } from "./random-row-parts.ts";

const HEADS = 2;

/** `[batch, time, heads · inner]` → `[batch, heads, time, inner]`. */
function heads({ b }: Growing, value: string, count: number, inner: number): string {
  return b.operator("Transpose", [b.operator("Reshape", [value, b.constant([0, 0, count, inner])])], {
    perm: [0, 2, 1, 3],
  });
}

/** softmax(q · kᵀ) · v, back to `[batch, time, features]`. */
function attend({ b, rng }: Growing, q: string, k: string, v: string, features: number): string {
  const scores = b.operator("MatMul", [q, b.operator("Transpose", [k], { perm: [0, 1, 3, 2] })]);
  const weights = b.operator("Softmax", [b.operator("Mul", [scores, b.constant([0.3], [], "float")])], { axis: -1 });
  const mixed =
    rng.below(2) === 0
      ? b.operator("MatMul", [weights, v])
      : b.operator("Einsum", [weights, v], { equation: "bhqk,bhkd->bhqd" });
  return b.operator("Reshape", [
    b.operator("Transpose", [mixed], { perm: [0, 2, 1, 3] }),
    b.constant([0, 0, features]),
  ]);
}

const attention: RandomPart = (growing, value) => {
  const inner = growing.pick([2, 3]);
  const width = HEADS * inner;
  const [q, k, v] = [0, 1, 2].map(() => heads(growing, dense(growing, value, width).name, HEADS, inner)) as [
    string,
    string,
    string,
  ];
  const mixed = { name: attend(growing, q, k, v, width), shape: [...value.shape.slice(0, 2), width] };
  const back = dense(growing, mixed, value.shape[2]!);
  return { name: growing.b.operator("Add", [value.name, back.name]), shape: value.shape };
};

/** One matrix for queries, keys and values: side by side, or inside of each head. */
const fused: RandomPart = (growing, value) => {
  const { b, rng } = growing;
  const inner = growing.pick([2, 3]);
  const width = HEADS * inner;
  const all = dense(growing, value, 3 * width).name;
  let parts: string[];
  if (rng.below(2) === 0)
    parts = b
      .operators("Split", [all, b.constant([width, width, width])], 3, { axis: 2 })
      .map((part) => heads(growing, part, HEADS, inner));
  else parts = b.operators("Split", [heads(growing, all, HEADS, 3 * inner)], 3, { axis: 3 });
  const [q, k, v] = parts as [string, string, string];
  return dense(
    growing,
    { name: attend(growing, q, k, v, width), shape: [...value.shape.slice(0, 2), width] },
    growing.size(),
  );
};

/** Two query heads for each head of keys and values. */
const grouped: RandomPart = (growing, value) => {
  const { b } = growing;
  const [groups, each, inner] = [2, 2, growing.pick([2, 3])];
  const [batch, time] = value.shape as [number, number];
  const q = heads(growing, dense(growing, value, groups * each * inner).name, groups * each, inner);
  const [k, v] = [0, 1].map(() => {
    const own = heads(growing, dense(growing, value, groups * inner).name, groups, inner);
    const wide = b.operator("Expand", [
      b.operator("Unsqueeze", [own, b.constant([2])]),
      b.constant([batch, groups, each, time, inner]),
    ]);
    return b.operator("Reshape", [wide, b.constant([batch, groups * each, time, inner])]);
  }) as [string, string];
  const width = groups * each * inner;
  return dense(growing, { name: attend(growing, q, k, v, width), shape: [batch, time, width] }, growing.size());
};

/** LSTM, GRU or RNN, one or two directions; gates in order, or put in order at run time. */
const recurrent: RandomPart = (growing, value) => {
  const { b, pick, rng, module } = growing;
  const [kind, gates] = pick([
    ["LSTM", 4],
    ["GRU", 3],
    ["RNN", 1],
  ] as const);
  const [name, hidden, directions] = [module(), pick([3, 4]), 1 + rng.below(2)];
  const width = value.shape[2]!;
  const rows = gates * hidden;
  const turned = directions === 1 && gates > 1 && rng.below(2) === 0;
  const given = (label: string, shape: readonly number[]): string =>
    turned
      ? reordered(growing, b.tensor(`${name}.${label}`, shape), gates, hidden)
      : b.tensor(`${name}.${label}`, [directions, ...shape]);
  const bias = turned
    ? b.operator("Concat", [given("bias_ih", [rows]), given("bias_hh", [rows])], { axis: 1 })
    : given("bias", [2 * rows]);
  const steps = b.operator("Transpose", [value.name], { perm: [1, 0, 2] });
  const attributes = { hidden_size: hidden, direction: directions === 1 ? "forward" : "bidirectional" };
  const [y] = b.operators(
    kind,
    [steps, given("weight_ih", [rows, width]), given("weight_hh", [rows, hidden]), bias],
    3,
    attributes,
  );
  const back = b.operator("Transpose", [y!], { perm: [2, 0, 1, 3] });
  return {
    name: b.operator("Reshape", [back, b.constant([0, 0, -1])]),
    shape: [...value.shape.slice(0, 2), directions * hidden],
  };
};

/** Blocks of gates in another order, with a first axis of size 1. */
function reordered({ b }: Growing, tensor: string, gates: number, hidden: number): string {
  const parts = Array.from({ length: gates }, (_, gate) => {
    const from = ((gate + 1) % gates) * hidden;
    return b.operator("Slice", [tensor, b.constant([from]), b.constant([from + hidden]), b.constant([0])]);
  });
  return b.operator("Unsqueeze", [b.operator("Concat", parts, { axis: 0 }), b.constant([0])]);
}

/** A convolution over time. */
const convolution: RandomPart = (growing, value) => {
  const { b, module, size } = growing;
  const [name, out] = [module(), size()];
  const channels = b.operator("Transpose", [value.name], { perm: [0, 2, 1] });
  const weight = b.tensor(`${name}.weight`, [out, value.shape[2]!, 3]);
  const made = b.operator("Conv", [channels, weight, b.tensor(`${name}.bias`, [out])], { pads: [1, 1] });
  return { name: b.operator("Transpose", [made], { perm: [0, 2, 1] }), shape: [...value.shape.slice(0, 2), out] };
};

/** A table of positions is added; a class token may be put first. */
const positions: RandomPart = ({ b, rng, module }, value) => {
  const name = module();
  const [batch, time, width] = value.shape as [number, number, number];
  if (rng.below(2) === 0)
    return {
      name: b.operator("Add", [value.name, b.tensor(`${name}.positions`, [1, time, width])]),
      shape: value.shape,
    };
  const token = b.operator("Expand", [b.tensor(`${name}.token`, [1, 1, width]), b.constant([batch, 1, width])]);
  return { name: b.operator("Concat", [token, value.name], { axis: 1 }), shape: [batch, time + 1, width] };
};

/** The first step alone. */
const first: RandomPart = ({ b }, value) => ({
  name: b.operator("Gather", [value.name, b.constant([0], [])], { axis: 1 }),
  shape: [value.shape[0]!, value.shape[2]!],
});

/** One entry for each part. */
export const SEQUENCE_PARTS: readonly (readonly [string, RandomPart])[] = [
  ...ROW_PARTS,
  ...Array.from(
    { length: 2 },
    () =>
      [
        ["attention", attention],
        ["fused attention", fused],
        ["grouped attention", grouped],
        ["recurrent", recurrent],
        ["convolution over time", convolution],
      ] as [string, RandomPart][],
  ).flat(),
  ["positions", positions],
  ["first step", first],
];
