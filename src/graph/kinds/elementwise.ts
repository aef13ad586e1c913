/** Operators that make each element from the elements at its own place: activations, sums, comparisons. */

import type { Call, GraphValue, Kind, Labels } from "./kind.ts";

/** One input decides; others (bounds of a clip, an exponent's type) are scalars. */
const unary: Kind = (call) => {
  const others = call.inputs.slice(1).filter((value) => value !== undefined);
  if (others.every(({ shape }) => shape?.length === 0)) return [call.input(0)];
  return broadcast(call);
};

/** Inputs broadcast against each other. */
const broadcast: Kind = (call) => [
  joined(
    call,
    call.inputs.filter((value) => value !== undefined),
  ),
];

/** Labels of `rank` axes, counted from the last, as broadcasting does. */
export function fromRight(rank: number, prefix = "a"): string[] {
  return Array.from({ length: rank }, (_, at) => `${prefix}${rank - 1 - at}`);
}

/** The result of an elementwise operator on these values. */
export function joined(call: Call, values: readonly GraphValue[]): GraphValue {
  const ranks = values.map(({ shape }) => shape?.length);
  if (ranks.includes(undefined)) {
    for (const value of values) call.fix(value, "meets a value of unknown rank");
    return call.opaque("is made from a value of unknown rank");
  }
  const rank = Math.max(0, ...(ranks as number[]));
  const operands = values.map((value) => ({ value, labels: fromRight(value.shape!.length) }));
  return call.relate({ operands, outputs: [fromRight(rank)] })[0]!;
}

/** Only the first input's values count (its type is another's). */
const first: Kind = (call) => [call.input(0)];

/** Dropout as it is after training; the mask is all true. */
const dropout: Kind = (call) => {
  const value = call.input(0);
  return [value, value.shape === undefined ? undefined : call.uniform(value.shape)];
};

/** Slopes of a PRelu or a scale: broadcast to the first input, whose shape the result has. */
const names = (text: string, kind: Kind): [string, Kind][] => text.split(" ").map((name) => [name, kind]);

/** One entry for each kind. */
export const ELEMENTWISE: readonly [string, Kind][] = [
  ...names("Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Cast Ceil Celu Cos Cosh Elu Erf Exp Floor Gelu", unary),
  ...names("HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu", unary),
  ...names("Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu Clip", unary),
  ...names("com.microsoft.QuickGelu com.microsoft.Gelu com.microsoft.FastGelu com.microsoft.BiasGelu", broadcast),
  ...names("Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less", broadcast),
  ...names("LessOrEqual Max Mean Min Mod Mul Or Pow PRelu Sub Sum Where Xor", broadcast),
  ["CastLike", first],
  ["Dropout", dropout],
];

/** Labels of an axis as a list. */
export function labelList(labels: Labels): readonly string[] {
  return typeof labels === "string" ? [labels] : labels;
}
