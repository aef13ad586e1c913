/** Elementwise operators, products, norms that are sums. */

import { at, broadcastShape, build, type NdArray, positions } from "./arrays.ts";
import type { Run } from "./run-graph.ts";

const map =
  (rule: (...elements: number[]) => number): Run =>
  (inputs) => {
    const given = inputs.filter((input) => input !== undefined);
    const shape = broadcastShape(given.map((input) => input.shape));
    return [build(shape, (position) => rule(...given.map((input) => at(input, position))))];
  };

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Labels of each operand and of the result; labels that the result lacks are summed over. */
function einsum(terms: readonly (readonly string[])[], result: readonly string[], inputs: readonly NdArray[]): NdArray {
  const sizes = new Map<string, number>();
  for (const [k, term] of terms.entries())
    for (const [axis, label] of term.entries())
      sizes.set(label, Math.max(sizes.get(label) ?? 1, inputs[k]!.shape[axis]!));
  const summed = [...sizes.keys()].filter((label) => !result.includes(label));
  const over = summed.map((label) => sizes.get(label)!);
  return build(
    result.map((label) => sizes.get(label)!),
    (position) => {
      let sum = 0;
      for (const more of positions(over)) {
        const place = (label: string): number =>
          result.includes(label) ? position[result.indexOf(label)]! : more[summed.indexOf(label)]!;
        sum += terms.reduce((product, term, k) => product * at(inputs[k]!, term.map(place)), 1);
      }
      return sum;
    },
  );
}

const letters = (rank: number): string[] => Array.from({ length: rank }, (_, k) => `b${rank - 1 - k}`);

const matMul: Run = ([a, b]) => {
  const [left, right] = [a!.shape.length, b!.shape.length];
  const batch = letters(Math.max(left, right) - 2);
  const of = (rank: number, own: string[]): string[] => [...batch.slice(batch.length - rank + 2), ...own];
  return [einsum([of(left, ["m", "k"]), of(right, ["k", "n"])], [...batch, "m", "n"], [a!, b!])];
};

const gemm: Run = ([a, b, c], attributes) => {
  const product = einsum(
    [
      attributes.number("transA", 0) ? ["k", "m"] : ["m", "k"],
      attributes.number("transB", 0) ? ["n", "k"] : ["k", "n"],
    ],
    ["m", "n"],
    [a!, b!],
  );
  return [build(product.shape, (position) => at(product, position) + (c === undefined ? 0 : at(c, position)))];
};

const byEquation: Run = (inputs, attributes) => {
  const [left, right] = attributes.text("equation", "").split("->");
  return [
    einsum(
      left!.split(",").map((term) => [...term]),
      [...right!],
      inputs as NdArray[],
    ),
  ];
};

/** x, scale, shift, mean, variance over axis 1. */
const batchNorm: Run = ([x, scale, shift, mean, variance], attributes) => {
  const epsilon = attributes.number("epsilon", 1e-5);
  return [
    build(x!.shape, (position) => {
      const c = [position[1]!];
      return (
        ((at(x!, position) - at(mean!, c)) / Math.sqrt(at(variance!, c) + epsilon)) * at(scale!, c) + at(shift!, c)
      );
    }),
  ];
};

/** An activation with a number of its own. */
const scaled =
  (rule: (x: number, alpha: number) => number, otherwise: number): Run =>
  (inputs, attributes, outputs) => {
    const alpha = attributes.number("alpha", otherwise);
    return map((x) => rule(x, alpha))(inputs, attributes, outputs);
  };

/** One entry for each kind. */
export const SUMMING: readonly [string, Run][] = [
  ["Identity", map((x) => x)],
  ["Cast", map((x) => x)],
  ["Dropout", map((x) => x)],
  ["Relu", map((x) => Math.max(0, x))],
  ["LeakyRelu", scaled((x, alpha) => (x > 0 ? x : alpha * x), 0.01)],
  ["Elu", scaled((x, alpha) => (x > 0 ? x : alpha * Math.expm1(x)), 1)],
  ["Selu", map((x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x)))],
  ["Swish", map((x) => x * sigmoid(x))],
  ["Softsign", map((x) => x / (1 + Math.abs(x)))],
  ["Sigmoid", map(sigmoid)],
  ["Tanh", map(Math.tanh)],
  ["Exp", map(Math.exp)],
  ["Neg", map((x) => -x)],
  ["Abs", map(Math.abs)],
  ["Sqrt", map(Math.sqrt)],
  ["Sin", map(Math.sin)],
  ["Erf", map((x) => Math.tanh(1.2 * x))],
  ["Softplus", map((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))))],
  ["Reciprocal", map((x) => 1 / x)],
  [
    "Clip",
    map((x, low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY) => Math.min(high, Math.max(low, x))),
  ],
  ["PRelu", map((x, slope) => (x > 0 ? x : slope! * x))],
  ["Add", map((a, b) => a + b!)],
  ["Sub", map((a, b) => a - b!)],
  ["Mul", map((a, b) => a * b!)],
  ["Div", map((a, b) => a / b!)],
  ["Pow", map((a, b) => a ** b!)],
  ["Max", map(Math.max)],
  ["Min", map(Math.min)],
  ["Mean", map((...all) => all.reduce((sum, x) => sum + x, 0) / all.length)],
  ["Sum", map((...all) => all.reduce((sum, x) => sum + x, 0))],
  ["Greater", map((a, b) => Number(a > b!))],
  ["Equal", map((a, b) => Number(a === b))],
  ["Where", map((which, a, b) => (which === 0 ? b! : a!))],
  ["QuantizeLinear", map((x, scale, zero = 0) => Math.round(x / scale!) + zero)],
  ["DequantizeLinear", map((x, scale, zero = 0) => (x - zero) * scale!)],
  ["MatMul", matMul],
  ["Gemm", gemm],
  ["Einsum", byEquation],
  ["BatchNormalization", batchNorm],
];
