/** What a network's own graph shows of its tensors: the largest spec that keeps what it computes. */

import { openSizes } from "../axes/sizes.ts";
import type { Axis, Factor, NestedPermutation, Segment, Spec, TensorSpec } from "../axes/types.ts";
import { isFloat } from "../base/dtype.ts";
import type { Model } from "../base/model.ts";
import type { OperatorGraph } from "../graph/operators.ts";
import { type AxisPart, describeAxis, type Unsaid } from "./describe-axis.ts";
import { createDigits, type Digits } from "./digits.ts";
import { type Families, familiesOf } from "./families.ts";
import { type FrozenAxis, frozenAxes } from "./frozen-axes.ts";
import type { Reading } from "./reading.ts";
import { restrict } from "./restrict.ts";
import { readOperators } from "./run-operators.ts";

/** A spec and what it could not move. */
export interface InferredSpec {
  readonly spec: Spec;
  /**
   * Positions of axes that keep their places, with the operator that asks for it and why. Axes of size 1 are not
   * listed.
   */
  readonly frozen: readonly FrozenAxis[];
}

/**
 * The permutation spec of a network from its operators: which axes of which tensors are renumbered together. It is the
 * largest one that the operators allow, for any values of the tensors. Axes of inputs and outputs keep their order, as
 * does what an operator that is not known reads. Reads no tensor data. Permutations are named `P0`, `P1`, … in order of
 * first appearance.
 *
 * @throws {SpecError} when the graph is malformed, or names tensors that the model lacks.
 *
 * @example
 * const { spec, frozen } = await inferSpec(asOperators(await describeGraph(model)), model);
 * for (const { tensor, axis, operator, reason } of frozen) console.log(tensor, axis, operator, reason);
 */
export async function inferSpec(graph: OperatorGraph, model: Pick<Model, "tensors">): Promise<InferredSpec> {
  const { spec, reading, families, tensors } = concludeSpec(graph, model);
  return { spec, frozen: frozenAxes(reading, families, tensors) };
}

/** A spec, and what it was concluded from. */
export interface Conclusion {
  readonly spec: Spec;
  readonly reading: Reading;
  readonly families: Families;
  readonly digits: Digits;
  /** Names of permutations by their digit. */
  readonly names: ReadonlyMap<number, string>;
  /** Units of every axis of every tensor that an operator reads. */
  readonly tensors: ReadonlyMap<string, readonly Int32Array[]>;
}

/** As `inferSpec`, with all that was found on the way. */
export function concludeSpec(graph: OperatorGraph, model: Pick<Model, "tensors">): Conclusion {
  const reading = readOperators(graph, model);
  const tensors = tensorUnits(reading);
  for (;;) {
    const families = familiesOf(reading.units);
    const digits = createDigits(families);
    const said = sayAxes(reading, families, digits, tensors);
    if (said !== undefined) return { ...specOf(reading, digits, said), reading, families, digits, tensors };
  }
}

/** Units of every axis of every tensor that an operator reads; none for axes of size 1. */
function tensorUnits({ model, tensors, read }: Reading): Map<string, readonly Int32Array[]> {
  const units = new Map<string, readonly Int32Array[]>();
  for (const name of model.tensors.keys()) {
    const value = tensors.get(name);
    if (value !== undefined && read.has(name))
      units.set(
        name,
        value.axes!.map(([digit]) => digit?.bundle?.units ?? new Int32Array()),
      );
  }
  return units;
}

type Said = Map<string, readonly (readonly (readonly AxisPart[])[])[]>;

/**
 * Every axis in parts. Undefined where one cannot be expressed: then its units were restricted, and all is concluded
 * again.
 */
function sayAxes(
  { units }: Reading,
  families: Families,
  digits: Digits,
  tensors: ReadonlyMap<string, readonly Int32Array[]>,
): Said | undefined {
  const said: Said = new Map();
  const restricted = new Set<number>();
  const { number } = families.structure;
  for (const [name, axes] of tensors) {
    const parts: (readonly (readonly AxisPart[])[])[] = [];
    for (const axis of axes) {
      const numbers = axis.map((unit) => number[unit]!);
      digits.meet(numbers);
      const found = describeAxis(families, digits, numbers);
      const inProduct = Array.isArray(found) ? nestedInProduct(found, families, digits) : undefined;
      if (Array.isArray(found) && inProduct === undefined) parts.push(found);
      else {
        const unsaid = inProduct === undefined ? (found as Unsaid) : { digit: inProduct, at: 0 };
        // One family at a time: another axis may say of the same one what is then no longer so.
        if (!restricted.has(unsaid.digit)) restrict(units, families, digits, numbers, unsaid);
        restricted.add(unsaid.digit);
      }
    }
    said.set(name, parts);
  }
  return restricted.size === 0 ? said : undefined;
}

/** A digit that is nested in a product of others, which has no name. */
function nestedInProduct(
  segments: readonly (readonly AxisPart[])[],
  families: Families,
  digits: Digits,
): number | undefined {
  for (const part of segments.flat()) {
    if ("parts" in part) {
      const inside = nestedInProduct(part.parts, families, digits);
      if (inside !== undefined) return inside;
    } else if ("digit" in part) {
      const outer = digits.outer[part.digit];
      if (outer !== undefined && families.list[outer]!.parents.length > 1) return part.digit;
    }
  }
  return undefined;
}

function specOf({ model, statistics }: Reading, digits: Digits, said: Said): Pick<Conclusion, "spec" | "names"> {
  const names = new Map<number, string>();
  const permutations = new Map<string, NestedPermutation>();
  const nameOf = (digit: number): string => {
    const known = names.get(digit);
    if (known !== undefined) return known;
    const outer = digits.outer[digit];
    const outerName = outer === undefined ? undefined : nameOf(outer);
    const name = `P${names.size}`;
    names.set(digit, name);
    if (outerName !== undefined) permutations.set(name, { outer: outerName, inner: digits.counts[digit]! });
    return name;
  };
  const tensors = new Map<string, TensorSpec>();
  for (const [name, info] of model.tensors) {
    const parts = said.get(name);
    const axes = info.shape.map((_, at): Axis => toAxis(parts?.[at] ?? [], nameOf, digits));
    tensors.set(name, { axes, votes: isFloat(info.dtype) && !statistics.has(name) });
  }
  const known = new Map([...names].map(([digit, name]) => [name, sizeOf(digit, digits)]));
  const sizes = sizesToSay(model, tensors, permutations, known);
  const spec: Spec = {
    tensors,
    permutations,
    rest: "refused",
    basis: "graph",
    sizes: sizes.size === 0 ? undefined : sizes,
  };
  return { spec, names };
}

/** Strands of a digit's family: nested ones count those of all blocks. */
function sizeOf(digit: number, digits: Digits): number {
  const outer = digits.outer[digit];
  return digits.counts[digit]! * (outer === undefined ? 1 : sizeOf(outer, digits));
}

/** Sizes that the axes leave open. */
function sizesToSay(
  model: Reading["model"],
  tensors: ReadonlyMap<string, TensorSpec>,
  permutations: ReadonlyMap<string, NestedPermutation>,
  known: ReadonlyMap<string, number>,
): Map<string, number> {
  const equations = [...tensors].flatMap(([name, { axes }]) =>
    axes.map((axis, at) => ({ axis, length: model.tensors.get(name)!.shape[at]!, where: `${name} axis ${at}` })),
  );
  return openSizes(equations, permutations, known);
}

function toAxis(segments: readonly (readonly AxisPart[])[], nameOf: (digit: number) => string, digits: Digits): Axis {
  const [first] = segments;
  const isFixed = segments.length === 0 || (segments.length === 1 && first!.every((part) => "fixed" in part));
  return isFixed ? [["_"]] : segments.map((parts) => toSegment(parts, nameOf, digits));
}

/** A digit after that of what it is nested in is the nested permutation as a whole. */
function toSegment(parts: readonly AxisPart[], nameOf: (digit: number) => string, digits: Digits): Segment {
  const factors: Factor[] = [];
  for (const [at, part] of parts.entries()) {
    if ("fixed" in part) factors.push(part.fixed);
    else if ("parts" in part) factors.push({ parts: part.parts.map((each) => toSegment(each, nameOf, digits)) });
    else {
      const outer = digits.outer[part.digit];
      const before = parts[at - 1];
      const follows = before !== undefined && "digit" in before && before.digit === outer;
      const name = nameOf(part.digit);
      if (outer === undefined) factors.push(name);
      else if (follows && !refersTo(parts.slice(at + 1), outer, digits)) factors.splice(-1, 1, name);
      else factors.push({ block: name, of: nameOf(outer) });
    }
  }
  return factors;
}

function refersTo(parts: readonly AxisPart[], outer: number, digits: Digits): boolean {
  return parts.some((part) =>
    "digit" in part
      ? digits.outer[part.digit] === outer
      : "parts" in part && part.parts.some((each) => refersTo(each, outer, digits)),
  );
}
