/** What a kind of operator is given to state its axes with. */

import { SpecError } from "../base/errors.ts";
import type { Call, GraphValue } from "../graph/kinds/kind.ts";
import type { Size } from "../graph/kinds/sizes.ts";
import type { Operator } from "../graph/operators.ts";
import { type AxisValue, axisValue, fixedAxis, opaqueValue } from "./axis-values.ts";
import { dropAxes, fixAxes, reshapeValue } from "./move-axes.ts";
import { concatValues, takeFrom } from "./pick-axes.ts";
import { NeverRuns, type Reading, unknownOf } from "./reading.ts";
import { relateValues } from "./relate.ts";

type RunBody = (name: string, inputs: readonly AxisValue[]) => AxisValue[];

/** The call of one operator. */
export function createCall(
  reading: Reading,
  operator: Operator,
  inputs: readonly (AxisValue | undefined)[],
  runBody: RunBody,
): Call {
  const { units } = reading;
  const { name } = operator;
  const cause = (reason: string): number => units.cause(name, reason);
  return {
    operator,
    inputs,
    ...attributesOf(operator),
    input(at) {
      const value = inputs[at];
      if (value === undefined) throw new SpecError(`${name} (${operator.kind}) lacks input ${at}, expected one`);
      return value;
    },
    known: (at) => knownInput(reading, operator, at),
    unknown: () => unknownOf(reading),
    relate: (relation) => relateValues(units, name, relation),
    reshape: (value, shape) => reshapeValue(units, value as AxisValue, checkShape(name, shape), name),
    transpose: (value, axes) => transposed(value as AxisValue, axes, name),
    take: (value, axis, positions) => takeFrom(units, value as AxisValue, axis, positions, name),
    concat: (values, axis) => concatValues(units, values as AxisValue[], axis, name),
    fix: (value, reason, axes) => fixAxes(units, value as AxisValue, cause(reason), axes),
    fixed: (shape, reason) => axisValue(checkShape(name, shape).map((size) => fixedAxis(size, cause(reason)))),
    uniform: (shape) => axisValue(checkShape(name, shape).map((size) => fixedAxis(size, -1))),
    opaque: (reason) => opaqueValue(cause(reason)),
    ranked: (value, rank) => rankedValue(reading, operator, value as AxisValue, rank),
    decided: () => decidedBody(reading, operator),
    decide: (bodies) => decideBody(reading, operator, bodies),
    body: (body, values) => runBody(body, values as AxisValue[]),
    either: (values) => eitherOf(reading, name, values as AxisValue[]),
    statistic(at) {
      const tensor = reading.tensorOf.get(operator.inputs[at] ?? "");
      if (tensor !== undefined) reading.statistics.add(tensor);
    },
  };
}

function attributesOf({ name, attributes }: Operator): Pick<Call, "number" | "numbers" | "text"> {
  const fault = (attribute: string, want: string): SpecError =>
    new SpecError(`${name} has ${attribute} ${String(attributes.get(attribute))}, expected ${want}`);
  return {
    number(attribute, otherwise) {
      const value = attributes.get(attribute) ?? otherwise;
      if (typeof value !== "number") throw fault(attribute, "a number");
      return value;
    },
    numbers(attribute) {
      const value = attributes.get(attribute);
      if (value === undefined) return undefined;
      if (!Array.isArray(value) || value.some((each) => typeof each !== "number")) throw fault(attribute, "numbers");
      return value as readonly number[];
    },
    text(attribute, otherwise) {
      const value = attributes.get(attribute) ?? otherwise;
      if (typeof value !== "string") throw fault(attribute, "text");
      return value;
    },
  };
}

function checkShape(operator: string, shape: readonly Size[]): readonly Size[] {
  const odd = shape.find((size) => typeof size === "number" && !(Number.isSafeInteger(size) && size >= 0));
  if (odd === undefined) return shape;
  throw new SpecError(`${operator} makes a value with an axis of ${odd}, expected a size`);
}

function knownInput(reading: Reading, { name, inputs }: Operator, at: number): ReturnType<Call["known"]> {
  const known = reading.known.get(inputs[at] ?? "");
  if (known === undefined) return undefined;
  const cause = reading.units.cause(name, "reads its values as sizes or positions");
  for (const tensor of known.from) fixAxes(reading.units, reading.tensors.get(tensor)!, cause);
  return known;
}

function transposed(value: AxisValue, order: readonly number[], operator: string): AxisValue {
  const { axes } = value;
  if (axes === undefined) return value;
  if (
    order.length !== axes.length ||
    new Set(order).size !== axes.length ||
    order.some((axis) => axes[axis] === undefined)
  )
    throw new SpecError(`${operator} transposes ${axes.length} axes by ${order.join()}, expected each axis once`);
  return axisValue(order.map((axis) => axes[axis]!));
}

function rankedValue(reading: Reading, { name, kind }: Operator, value: AxisValue, rank: number): AxisValue {
  if (value.axes?.length === rank) return value;
  if (value.axes !== undefined)
    throw new NeverRuns(`${name} (${kind}) is given a value of rank ${value.axes.length}, expected ${rank}`);
  return axisValue(Array.from({ length: rank }, () => fixedAxis(unknownOf(reading), value.cause)));
}

/** The branch of this course, or the one that a known condition names. */
function decidedBody(reading: Reading, operator: Operator): string | undefined {
  const chosen = reading.choices.get(operator);
  if (chosen !== undefined || reading.loops > 0) return chosen;
  const condition = knownInput(reading, operator, 0)?.values[0];
  if (typeof condition !== "number") return undefined;
  const taken = condition === 0 ? "else_branch" : "then_branch";
  reading.choices.set(operator, taken);
  return taken;
}

function decideBody({ courses, choices, loops }: Reading, operator: Operator, bodies: readonly string[]): boolean {
  const [first, ...others] = bodies;
  if (loops > 0 || others.length > courses.left) return false;
  courses.left -= others.length;
  for (const other of others) courses.waiting.push(new Map([...choices, [operator, other]]));
  choices.set(operator, first!);
  return true;
}

/** The value that is one of these: their axes meet. */
function eitherOf(reading: Reading, operator: string, values: readonly AxisValue[]): GraphValue {
  const { units } = reading;
  const [first] = values;
  const rank = first?.axes?.length;
  const cause = units.cause(operator, "may be values of different shapes");
  if (rank === undefined || values.some(({ axes }) => axes?.length !== rank)) {
    for (const value of values) fixAxes(units, value, cause);
    return opaqueValue(cause);
  }
  const labels = first!.axes!.map((_, at) => `a${at}`);
  const differing = labels.flatMap((_, at) =>
    values.some(({ shape }) => shape![at] !== first!.shape![at]) ? [at] : [],
  );
  for (const value of values) fixAxes(units, value, cause, differing);
  const operands = values.map((value) => ({ value: dropAxes(units, value, differing), labels }));
  const [met] = relateValues(units, operator, { operands, outputs: [labels] });
  return axisValue(
    met!.axes!.map((axis, at) => (differing.includes(at) ? fixedAxis(unknownOf(reading), cause) : axis)),
  );
}
