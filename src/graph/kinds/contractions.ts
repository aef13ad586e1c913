/** Sums of products: MatMul, Gemm, Einsum, and their quantised forms. */

import { SpecError } from "../../base/errors.ts";
import { fromRight } from "./elementwise.ts";
import type { Call, GraphValue, Kind, Labelled } from "./kind.ts";

/** numpy's matmul: the last two axes, the others broadcast. */
const matMul: Kind = (call) => [multiplied(call, call.input(0), call.input(1))];

/** A · B, or with a vector on either side. */
export function multiplied(call: Call, a: GraphValue, b: GraphValue): GraphValue {
  const [left, right] = [a.shape?.length, b.shape?.length];
  if (left === undefined || right === undefined) return unranked(call, [a, b]);
  if (left === 0 || right === 0) throw new SpecError(`${call.operator.name} multiplies a scalar, expected a matrix`);
  const batch = fromRight(Math.max(left, right) - 2 > 0 ? Math.max(left, right) - 2 : 0, "b");
  const of = (rank: number, own: string[]): string[] => [...batch.slice(batch.length - (rank - 2)), ...own];
  return call.relate({
    operands: [
      { value: a, labels: left === 1 ? ["k"] : of(left, ["m", "k"]) },
      { value: b, labels: right === 1 ? ["k"] : of(right, ["k", "n"]) },
    ],
    outputs: [[...batch, ...(left === 1 ? [] : ["m"]), ...(right === 1 ? [] : ["n"])]],
  })[0]!;
}

function unranked(call: Call, values: readonly GraphValue[]): GraphValue {
  for (const value of values) call.fix(value, "is multiplied by a value of unknown rank");
  return call.opaque("is made from a value of unknown rank");
}

/** alpha · A · B + beta · C. */
const gemm: Kind = (call) => {
  const [a, b] = [call.ranked(call.input(0), 2), call.ranked(call.input(1), 2)];
  const bias = call.inputs[2];
  const operands: Labelled[] = [
    { value: a, labels: call.number("transA", 0) === 0 ? ["m", "k"] : ["k", "m"] },
    { value: b, labels: call.number("transB", 0) === 0 ? ["k", "n"] : ["n", "k"] },
  ];
  if (bias !== undefined) operands.push({ value: bias, labels: ["m", "n"].slice(2 - (bias.shape?.length ?? 2)) });
  return call.relate({ operands, outputs: [["m", "n"]] });
};

/** Integers with zero points: of the whole tensor, or one a row of A or a column of B. */
const matMulInteger: Kind = (call) => {
  const result = multiplied(call, call.input(0), call.input(1));
  return [withPoints(call, result, [call.inputs[2]], [call.inputs[3]])];
};

/** A, its scale and zero point, B, its scale and zero point, those of the result. */
const qLinearMatMul: Kind = (call) => {
  const result = multiplied(call, call.input(0), call.input(3));
  return [withPoints(call, result, [call.inputs[1], call.inputs[2]], call.inputs.slice(4, 8))];
};

/** Scales and points of rows, of columns and of the whole meet the axes of the result. */
function withPoints(
  call: Call,
  result: GraphValue,
  rows: readonly (GraphValue | undefined)[],
  columns: readonly (GraphValue | undefined)[],
): GraphValue {
  const rank = result.shape?.length;
  if (rank === undefined) return result;
  const labels = fromRight(rank);
  const vectors = (values: readonly (GraphValue | undefined)[], label: string): Labelled[] =>
    values.flatMap((value) => (value?.shape?.length === 1 ? [{ value, labels: [label] }] : []));
  const others = [...rows, ...columns].filter((value) => value !== undefined && (value.shape?.length ?? 2) > 1);
  for (const value of others) call.fix(value!, "is a scale of blocks");
  const operands = [{ value: result, labels }, ...vectors(rows, "a1"), ...vectors(columns, "a0")];
  return call.relate({ operands, outputs: [labels] })[0]!;
}

/** `com.microsoft.FusedMatMul`: MatMul with either side transposed. */
const fusedMatMul: Kind = (call) => {
  const side = (at: number, attribute: string): GraphValue => {
    const value = call.input(at);
    const rank = value.shape?.length;
    if (rank === undefined || rank < 2 || call.number(attribute, 0) === 0) return value;
    return call.transpose(value, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
  };
  return [multiplied(call, side(0, "transA"), side(1, "transB"))];
};

/** Labels as letters; `...` means axes that broadcast. */
const einsum: Kind = (call) => {
  const equation = call.text("equation", "").replaceAll(" ", "");
  const [left = "", right] = equation.split("->");
  const terms = left.split(",");
  if (terms.length !== call.inputs.length)
    throw new SpecError(
      `${call.operator.name} has ${terms.length} terms in ${equation}, expected ${call.inputs.length}`,
    );
  const values = terms.map((_, at) => call.input(at));
  if (values.some(({ shape }) => shape === undefined)) return [unranked(call, values)];
  const spread = terms.map((term, at) => values[at]!.shape!.length - term.replace("...", "").length);
  const most = Math.max(0, ...terms.map((term, at) => (term.includes("...") ? spread[at]! : 0)));
  const labelsOf = (term: string, rank: number): string[] => {
    const [before, after] = term.split("...");
    return after === undefined ? [...before!] : [...before!, ...fromRight(rank, "..."), ...after];
  };
  const operands = terms.map((term, at) => ({ value: values[at]!, labels: labelsOf(term, spread[at]!) }));
  return call.relate({ operands, outputs: [labelsOf(right ?? implicit(left), most)] });
};

/** Without an arrow: the axes of `...`, then letters that are there once, in the alphabet's order. */
function implicit(left: string): string {
  const letters = [...left.replaceAll(/[.,]/g, "")];
  const once = [...new Set(letters)].filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter));
  return (left.includes("...") ? "..." : "") + once.sort().join("");
}

/** One entry for each kind. */
export const CONTRACTIONS: readonly [string, Kind][] = [
  ["MatMul", matMul],
  ["Gemm", gemm],
  ["MatMulInteger", matMulInteger],
  ["QLinearMatMul", qLinearMatMul],
  ["Einsum", einsum],
  ["com.microsoft.FusedMatMul", fusedMatMul],
  ["com.microsoft.FusedGemm", gemm],
];
