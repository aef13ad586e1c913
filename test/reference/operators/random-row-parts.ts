/** Parts of random networks on rows `[batch, features]`, which serve sequences `[batch, time, features]`, too. */

import type { Growing, Made, RandomPart } from "./random-graph.ts";

const last = ({ shape }: Made): number => shape.at(-1)!;
const withLast = (value: Made, name: string, size: number): Made => ({ name, shape: value.shape.with(-1, size) });

const SMOOTH = ["Tanh", "Sigmoid", "LeakyRelu", "Softplus", "Sin", "Erf"];

/** x · W + b, W stored as [in, out] or [out, in]. */
export function dense({ b, rng, module }: Growing, value: Made, out: number): Made {
  const name = module();
  const width = last(value);
  const turned = rng.below(2) === 0;
  let weight = b.tensor(`${name}.weight`, turned ? [out, width] : [width, out]);
  if (turned) weight = b.operator("Transpose", [weight], { perm: [1, 0] });
  const product = b.operator("MatMul", [value.name, weight]);
  return withLast(value, b.operator("Add", [product, b.tensor(`${name}.bias`, [out])]), out);
}

const linear: RandomPart = (growing, value) => dense(growing, value, growing.size());

const activation: RandomPart = ({ b, pick }, value) => ({
  name: b.operator(pick(SMOOTH), [value.name]),
  shape: value.shape,
});

const hidden: RandomPart = (growing, value) => {
  const made = dense(growing, value, growing.size());
  return { name: growing.b.operator(growing.pick(SMOOTH), [made.name]), shape: made.shape };
};

/** x + f(x), or x · f(x) of a gate. */
const residual: RandomPart = (growing, value) => {
  const inner = hidden(growing, value)!;
  const back = dense(growing, inner, last(value));
  return { name: growing.b.operator(growing.pick(["Add", "Mul", "Sub"]), [value.name, back.name]), shape: value.shape };
};

const gated: RandomPart = (growing, value) => {
  const size = growing.size();
  const [gate, up] = [dense(growing, value, size), dense(growing, value, size)];
  const acted = growing.b.operator("Sigmoid", [gate.name]);
  return dense(growing, withLast(value, growing.b.operator("Mul", [acted, up.name]), size), growing.size());
};

/** One matrix for gate and value, split at run time. */
const split: RandomPart = (growing, value) => {
  const size = growing.size();
  const both = dense(growing, value, 2 * size);
  const parts = growing.b.operators("Split", [both.name], 2, { axis: value.shape.length - 1 });
  const acted = growing.b.operator("Tanh", [parts[0]!]);
  return withLast(value, growing.b.operator(growing.pick(["Mul", "Add"]), [acted, parts[1]!]), size);
};

/** Sums with another value of the same shape: ties two streams. */
const join: RandomPart = ({ b, pick, values }, value) => {
  const others = values.filter((other) => other.shape.join() === value.shape.join() && other.name !== value.name);
  if (others.length === 0) return undefined;
  return { name: b.operator(pick(["Add", "Max", "Mul"]), [value.name, pick(others).name]), shape: value.shape };
};

const concat: RandomPart = (growing, value) => {
  const { b, pick, values } = growing;
  const like = values.filter(({ shape }) => shape.slice(0, -1).join() === value.shape.slice(0, -1).join());
  const other = pick(like);
  const acted = b.operator(pick(SMOOTH), [other.name]);
  return withLast(value, b.operator("Concat", [value.name, acted], { axis: -1 }), last(value) + last(other));
};

const slice: RandomPart = ({ b, rng }, value) => {
  const size = last(value);
  const from = rng.below(size - 1);
  const until = from + 2 + rng.below(size - from - 1);
  const ends = [b.constant([from]), b.constant([Math.min(size, until)]), b.constant([-1])];
  return withLast(value, b.operator("Slice", [value.name, ...ends]), Math.min(size, until) - from);
};

const pad: RandomPart = ({ b, rng }, value) => {
  const after = 1 + rng.below(3);
  const pads = [
    ...value.shape.map(() => 0),
    ...value.shape.map((_, axis) => (axis === value.shape.length - 1 ? after : 0)),
  ];
  return withLast(value, b.operator("Pad", [value.name, b.constant(pads)]), last(value) + after);
};

const layerNorm: RandomPart = ({ b, rng, module }, value) => {
  const name = module();
  const size = last(value);
  const [scale, shift] = [b.tensor(`${name}.weight`, [size]), b.tensor(`${name}.bias`, [size])];
  if (rng.below(3) === 0) return { name: b.operator("RMSNormalization", [value.name, scale]), shape: value.shape };
  if (rng.below(2) === 0)
    return { name: b.operator("LayerNormalization", [value.name, scale, shift]), shape: value.shape };
  const axes = b.constant([-1]);
  const centred = b.operator("Sub", [value.name, b.operator("ReduceMean", [value.name, axes])]);
  const variance = b.operator("ReduceMean", [b.operator("Pow", [centred, b.constant([2], [], "float")]), axes]);
  const deviation = b.operator("Sqrt", [b.operator("Add", [variance, b.constant([1e-5], [], "float")])]);
  const scaled = b.operator("Mul", [b.operator("Div", [centred, deviation]), scale]);
  return { name: b.operator("Add", [scaled, shift]), shape: value.shape };
};

/** Means of groups of features are taken away: a group norm in primitive operators. */
const groups: RandomPart = (growing, value) => {
  const { b, pick } = growing;
  const size = last(value);
  const counts = [2, 3].filter((count) => size % count === 0 && size > count);
  if (counts.length === 0) return undefined;
  const count = pick(counts);
  const lead = value.shape.map(() => 0).slice(0, -1);
  const cut = b.operator("Reshape", [value.name, b.constant([...lead, count, -1])]);
  const mean = b.operator("ReduceMean", [cut, b.constant([-1])], { keepdims: 1 });
  const back = b.operator("Reshape", [b.operator("Sub", [cut, mean]), b.constant([...lead, size])]);
  return dense(growing, { name: back, shape: value.shape }, growing.size());
};

/** Features dealt out like cards. */
const shuffle: RandomPart = ({ b, pick }, value) => {
  const size = last(value);
  const counts = [2, 3].filter((count) => size % count === 0 && size > count);
  if (counts.length === 0) return undefined;
  const lead = value.shape.map(() => 0).slice(0, -1);
  const rank = lead.length;
  const cut = b.operator("Reshape", [value.name, b.constant([...lead, pick(counts), -1])]);
  const order = [...lead.keys(), rank + 1, rank];
  const turned = b.operator("Transpose", [cut], { perm: order });
  return { name: b.operator("Reshape", [turned, b.constant([...lead, size])]), shape: value.shape };
};

const softmax: RandomPart = ({ b }, value) => ({
  name: b.operator("Softmax", [value.name], { axis: -1 }),
  shape: value.shape,
});

/** The features' norm, or their largest, scales them. */
const scaled: RandomPart = ({ b, pick }, value) => {
  const kind = pick(["ReduceMax", "ReduceL2", "ReduceSum"]);
  const whole = b.operator(kind, [value.name, b.constant([-1])], { keepdims: 1 });
  return { name: b.operator("Mul", [value.name, b.operator("Tanh", [whole])]), shape: value.shape };
};

/** x · W, then · Wᵀ: both axes of one tensor serve two values. */
const tied: RandomPart = ({ b, module, size }, value) => {
  const [width, out] = [last(value), size()];
  const weight = b.tensor(`${module()}.weight`, [width, out]);
  const inner = b.operator("Tanh", [b.operator("MatMul", [value.name, weight])]);
  const back = b.operator("MatMul", [inner, b.operator("Transpose", [weight], { perm: [1, 0] })]);
  return { name: back, shape: value.shape };
};

/** One square matrix applied twice: a recurrence. */
const recurrence: RandomPart = ({ b, module }, value) => {
  const weight = b.tensor(`${module()}.weight`, [last(value), last(value)]);
  const once = b.operator("Tanh", [b.operator("MatMul", [value.name, weight])]);
  return { name: b.operator("Tanh", [b.operator("MatMul", [once, weight])]), shape: value.shape };
};

const quantised: RandomPart = (growing, value) => {
  const { b, module } = growing;
  const [name, out] = [module(), growing.size()];
  const weight = b.tensor(`${name}.weight`, [last(value), out]);
  const scale = b.tensor(`${name}.scale`, [out], true);
  const whole = b.operator("DequantizeLinear", [weight, scale], { axis: 1 });
  return withLast(value, b.operator("MatMul", [value.name, whole]), out);
};

/** Either of two matrices, as the data say. */
const branch: RandomPart = (growing, value) => {
  const { b } = growing;
  const out = growing.size();
  const whole = b.operator("ReduceSum", [value.name], { keepdims: 0 });
  const which = b.operator("Greater", [whole, b.constant([0], [], "float")]);
  const arm = (): ReturnType<typeof b.body> =>
    b.body([], (inside) => [dense({ ...growing, b: inside }, value, out).name]);
  return withLast(
    value,
    b.operator(
      "If",
      [which],
      {},
      new Map([
        ["then_branch", arm()],
        ["else_branch", arm()],
      ]),
    ),
    out,
  );
};

/** A value with an axis more or not, as the data say; then as it was. */
const ranks: RandomPart = (growing, value) => {
  const { b, module } = growing;
  const made = hidden(growing, value)!;
  const whole = b.operator("ReduceSum", [value.name], { keepdims: 0 });
  const which = b.operator("Greater", [whole, b.constant([0], [], "float")]);
  const more = b.body([], (inside) => [inside.operator("Unsqueeze", [made.name, inside.constant([0])])]);
  const scale = `${module()}.scale`;
  const same = b.body([], (inside) => [inside.operator("Mul", [made.name, inside.tensor(scale, [last(made)])])]);
  const bodies = new Map([
    ["then_branch", more],
    ["else_branch", same],
  ]);
  const either = b.operator("Tanh", [b.operator("If", [which], {}, bodies)]);
  return { name: b.operator("Reshape", [either, b.constant(made.shape)]), shape: made.shape };
};

/** A step applied three times. */
const loop: RandomPart = (growing, value) => {
  const { b, module } = growing;
  const size = last(value);
  const [count, yes] = [b.constant([3], [], "int"), b.constant([1], [], "bool")];
  const name = module();
  const body = b.body(
    [{ name: `${name}.i`, shape: [] }, { name: `${name}.c`, shape: [] }, { name: `${name}.v` }],
    (inside) => {
      const weight = inside.tensor(`${name}.weight`, [size, size]);
      return [`${name}.c`, inside.operator("Tanh", [inside.operator("MatMul", [`${name}.v`, weight])])];
    },
  );
  return { name: b.operator("Loop", [count, yes, value.name], {}, new Map([["body", body]])), shape: value.shape };
};

/** One entry for each part. */
export const ROW_PARTS: readonly (readonly [string, RandomPart])[] = [
  ["linear", linear],
  ["hidden", hidden],
  ["hidden", hidden],
  ["activation", activation],
  ["residual", residual],
  ["residual", residual],
  ["gated", gated],
  ["split", split],
  ["join", join],
  ["concat", concat],
  ["slice", slice],
  ["pad", pad],
  ["layer norm", layerNorm],
  ["groups", groups],
  ["shuffle", shuffle],
  ["softmax", softmax],
  ["scaled", scaled],
  ["tied", tied],
  ["recurrence", recurrence],
  ["quantised", quantised],
  ["branch", branch],
  ["ranks", ranks],
  ["loop", loop],
];
