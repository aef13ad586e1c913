/** Arithmetic on known elements, one by one. */

import type { Operator } from "../operators.ts";
import type { GraphValue, Known } from "./kind.ts";
import { dividedSize, type Size, timesSize } from "./sizes.ts";

/** Shapes and index lists; more is data. */
export const MOST_KNOWN = 4096;

/** A number, a size, or undefined where it depends on data. */
export type KnownElement = Size | undefined;

/** The known outputs of an operator. */
export type Fold = (
  operator: Operator,
  inputs: readonly (Known | undefined)[],
  values: readonly (GraphValue | undefined)[],
) => (Known | undefined)[] | undefined;

/** Elements that depend on data stay undefined. */
function elementwise(rule: (...elements: KnownElement[]) => KnownElement): Fold {
  return (_, inputs) => {
    if (inputs.some((known) => known === undefined)) return undefined;
    const all = inputs as readonly Known[];
    const rank = Math.max(...all.map(({ shape }) => shape.length));
    const shape = Array.from({ length: rank }, (_, at) =>
      Math.max(...all.map((known) => known.shape[at - rank + known.shape.length] ?? 1)),
    );
    const count = shape.reduce((product, size) => product * size, 1);
    if (count > MOST_KNOWN || all.some(({ shape: own }) => own.includes(0))) return undefined;
    return [
      {
        shape,
        values: Array.from({ length: count }, (_, at) => rule(...all.map((known) => elementAt(known, shape, at)))),
      },
    ];
  };
}

function elementAt({ shape, values }: Known, whole: readonly number[], at: number): KnownElement {
  let [rest, stride, index] = [at, 1, 0];
  for (let k = 1; k <= whole.length; k++) {
    const size = whole.at(-k)!;
    const own = shape.at(-k) ?? 1;
    if (k <= shape.length && own > 1) index += (rest % size) * stride;
    if (k <= shape.length) stride *= own;
    rest = Math.floor(rest / size);
  }
  return values[index];
}

const numeric =
  (rule: (...numbers: number[]) => number) =>
  (...elements: KnownElement[]): KnownElement =>
    elements.every((each) => typeof each === "number") ? rule(...(elements as number[])) : undefined;

export const timesElements = (a: KnownElement, b: KnownElement): KnownElement =>
  a === undefined ||
  b === undefined ||
  (typeof a === "number" && typeof b === "number"
    ? false
    : [a, b].some((each) => typeof each === "number" && (each <= 0 || !Number.isInteger(each))))
    ? undefined
    : typeof a === "number" && typeof b === "number"
      ? a * b
      : timesSize(a, b);

const quotient = (a: KnownElement, b: KnownElement): KnownElement =>
  typeof a === "number" && typeof b === "number" ? a / b : divided(a, b);

const foldDiv: Fold = (operator, inputs, values) => {
  const rule = inputs.some((known) => known?.isFloat === true) ? quotient : divided;
  return elementwise(rule)(operator, inputs, values);
};

/** Whole numbers are cut to a whole number. */
const divided = (a: KnownElement, b: KnownElement): KnownElement => {
  if (a === undefined || b === undefined) return undefined;
  if (typeof a === "number" && typeof b === "number")
    return Number.isInteger(a) && Number.isInteger(b) ? Math.trunc(a / b) : a / b;
  return dividedSize(a, b);
};

const added = (a: KnownElement, b: KnownElement): KnownElement =>
  a === 0 ? b : b === 0 ? a : numeric((x, y) => x + y)(a, b);
const subtracted = (a: KnownElement, b: KnownElement): KnownElement =>
  a !== undefined && a === b ? 0 : b === 0 ? a : numeric((x, y) => x - y)(a, b);

/** A size that nothing shows is at least 1, so it is not −1 and not 0. */
const equal = (a: KnownElement, b: KnownElement): KnownElement => {
  if (a === undefined || b === undefined) return undefined;
  if (a === b) return 1;
  return typeof a === "number" && typeof b === "number"
    ? 0
    : [a, b].some((each) => typeof each === "number" && each < 1)
      ? 0
      : undefined;
};

/** One entry for each kind. */
export const ELEMENT_FOLDS: readonly [string, Fold][] = [
  ["Add", elementwise(added)],
  ["Sub", elementwise(subtracted)],
  ["Mul", elementwise(timesElements)],
  ["Div", foldDiv],
  ["Mod", elementwise(numeric((a, b) => ((a % b) + b) % b))],
  ["Neg", elementwise(numeric((a) => -a))],
  ["Floor", elementwise(numeric(Math.floor))],
  ["Ceil", elementwise(numeric(Math.ceil))],
  ["Min", elementwise(numeric(Math.min))],
  ["Max", elementwise(numeric(Math.max))],
  ["Equal", elementwise(equal)],
  ["Less", elementwise(numeric((a, b) => Number(a < b)))],
  ["Greater", elementwise(numeric((a, b) => Number(a > b)))],
  ["Not", elementwise(numeric((a) => Number(a === 0)))],
  ["And", elementwise(numeric((a, b) => Number(a !== 0 && b !== 0)))],
  ["Or", elementwise(numeric((a, b) => Number(a !== 0 || b !== 0)))],
  ["Where", elementwise((which, a, b) => (which === undefined ? undefined : which === 0 ? b : a))],
];
