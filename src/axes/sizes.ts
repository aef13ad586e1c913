/** Finds the size of every permutation: each axis is an equation, solved one unknown at a time, then all are checked. */

import { SpecError } from "../base/errors.ts";
import { ANY_SIZE, axisNames, factorKey, formatAxis, lengthForm, plainFactors } from "./axis.ts";
import type { Axis, NestedPermutation } from "./types.ts";

/** One axis of the model: its length must fit its text. `where` reads like `fc1.weight axis 0`. */
export interface AxisEquation {
  readonly axis: Axis;
  readonly length: number;
  readonly where: string;
}

/** A permutation's size and where it was decided. */
export interface DecidedSize {
  readonly size: number;
  readonly where: string;
}

/**
 * The size of every permutation in `equations`, and of their outer ones. Throws `SpecError` naming both places when one
 * name has two sizes, and naming the axis when a size does not divide or is unknown.
 */
export function solveSizes(
  equations: readonly AxisEquation[],
  nested: ReadonlyMap<string, NestedPermutation>,
  given: ReadonlyMap<string, DecidedSize> = new Map(),
): Map<string, number> {
  const decided = new Map<string, DecidedSize>();
  const sizes = blockSizes(nested);
  const decide = (name: string, size: number, where: string): void => {
    decided.set(name, { size, where });
    sizes.set(name, size);
  };
  for (const [name, { size, where }] of given) decide(name, size, where);
  settle(equations, nested, { sizes, decided, decide });
  for (const equation of equations) checkOne(equation, sizes, decided);
  for (const [name, { outer, inner }] of nested) checkNestedSizes(name, outer, inner, decided);
  return sizes;
}

/** Known sizes that the axes leave open: these are given one after the other, until the axes give the others. */
export function openSizes(
  equations: readonly AxisEquation[],
  nested: ReadonlyMap<string, NestedPermutation>,
  known: ReadonlyMap<string, number>,
): Map<string, number> {
  const sizes = blockSizes(nested);
  const decided = new Map<string, DecidedSize>();
  const open = new Map<string, number>();
  const decide = (name: string, size: number, where: string): void => {
    decided.set(name, { size, where });
    sizes.set(name, size);
  };
  for (;;) {
    settle(equations, nested, { sizes, decided, decide });
    const next = [...known].find(([name]) => !decided.has(name));
    if (next === undefined) return open;
    open.set(...next);
    decide(next[0], next[1], "the spec's sizes");
  }
}

interface Settling {
  readonly sizes: ReadonlyMap<string, number>;
  readonly decided: ReadonlyMap<string, DecidedSize>;
  readonly decide: Decide;
}

/** Decides every size that one equation gives, until none does. */
function settle(
  equations: readonly AxisEquation[],
  nested: ReadonlyMap<string, NestedPermutation>,
  { sizes, decided, decide }: Settling,
): void {
  for (let before = -1; before !== sizes.size; ) {
    before = sizes.size;
    for (const equation of equations) solveOne(equation, sizes, decide);
    for (const [name, { outer, inner }] of nested) solveNested(name, outer, inner, decided, decide);
  }
}

/** The size of a block of each nested permutation, for every outer one, by the text of the factor: `V/H`. */
export function blockSizes(nested: ReadonlyMap<string, NestedPermutation>): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const [name] of nested) {
    let size = 1;
    for (let at = nested.get(name); at !== undefined; at = nested.get(at.outer)) {
      size *= at.inner;
      sizes.set(`${name}/${at.outer}`, size);
    }
  }
  return sizes;
}

type Decide = (name: string, size: number, where: string) => void;

function solveOne({ axis, length, where }: AxisEquation, sizes: ReadonlyMap<string, number>, decide: Decide): void {
  const form = lengthForm(axis, sizes);
  const [unknown] = form.coefficients;
  if (!form.linear || unknown === undefined || form.coefficients.size > 1) return;
  const [name, coefficient] = unknown;
  if (name === ANY_SIZE || coefficient === 0) return;
  const size = (length - form.constant) / coefficient;
  if (!Number.isInteger(size) || size < 0) {
    const rest = form.constant > 0 ? `${form.constant} plus ` : "";
    throw new SpecError(
      `${where} "${formatAxis(axis)}" is ${length} long, expected ${rest}a multiple of ${coefficient}`,
    );
  }
  decide(name, size, where);
}

function solveNested(
  name: string,
  outer: string,
  inner: number,
  decided: ReadonlyMap<string, DecidedSize>,
  decide: Decide,
): void {
  const whole = decided.get(name);
  const blocks = decided.get(outer);
  if (whole === undefined && blocks !== undefined) decide(name, blocks.size * inner, `${inner} times ${outer}`);
  if (whole === undefined || blocks !== undefined) return;
  if (whole.size % inner !== 0) {
    throw new SpecError(
      `permutation ${name} is ${whole.size} on ${whole.where}, expected a multiple of its inner ${inner}`,
    );
  }
  decide(outer, whole.size / inner, `${name} (${whole.size} on ${whole.where}) in blocks of ${inner}`);
}

function checkNestedSizes(name: string, outer: string, inner: number, decided: ReadonlyMap<string, DecidedSize>): void {
  const whole = decided.get(name);
  const blocks = decided.get(outer);
  if (whole === undefined || blocks === undefined) return; // neither is known: checkOne has named the axis
  if (whole.size === blocks.size * inner) return;
  const want = `${blocks.size * inner}: ${inner} times ${outer}, which is ${blocks.size} as on ${blocks.where}`;
  throw new SpecError(`permutation ${name} is ${whole.size} on ${whole.where}, expected ${want}`);
}

function checkOne(
  { axis, length, where }: AxisEquation,
  sizes: ReadonlyMap<string, number>,
  decided: ReadonlyMap<string, DecidedSize>,
): void {
  const form = lengthForm(axis, sizes);
  const open = [...form.coefficients.keys()];
  if (open.length === 0 && form.constant === length) return;
  if (open.some((name) => name !== ANY_SIZE) || !form.linear) {
    const unknown = plainFactors(axis)
      .map(factorKey)
      .filter((key) => form.coefficients.has(key));
    throw new SpecError(
      `${where} "${formatAxis(axis)}" has the unknown sizes ${unknown.join(", ")} in ${length}, expected all but one to be known from other axes`,
    );
  }
  // What is left for `_` is checked by resolveAxis.
  if (open.length === 0) throw lengthFault({ axis, length, where }, form.constant, sizes, decided);
}

/** The error for an axis whose length differs from the sizes of its permutations; it names where these are from. */
function lengthFault(
  { axis, length, where }: AxisEquation,
  expected: number,
  sizes: ReadonlyMap<string, number>,
  decided: ReadonlyMap<string, DecidedSize>,
): SpecError {
  const names = axisNames(axis);
  const [name] = names;
  if (name !== undefined && names.length === 1) {
    const size = impliedSize(axis, length, name);
    const known = decided.get(name)!;
    if (size !== null)
      return new SpecError(`permutation ${name} is ${size} on ${where}, expected ${known.size} as on ${known.where}`);
  }
  const why = names.map((each) => `${each} is ${sizes.get(each)} as on ${decided.get(each)!.where}`).join(", ");
  const given = why === "" ? "" : ` (${why})`;
  return new SpecError(`${where} "${formatAxis(axis)}" is ${length} long, expected ${expected}${given}`);
}

/** The size that this axis alone gives its only permutation, or null. */
function impliedSize(axis: Axis, length: number, name: string): number | null {
  const form = lengthForm(axis, new Map());
  const size = (length - form.constant) / (form.coefficients.get(name) ?? 0);
  return form.linear && Number.isInteger(size) && size >= 0 ? size : null;
}
