/** Reads a graph operator by operator: every value gets its axes, and the units learn what each operator asks for. */

import { SpecError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import { foldKnown } from "../graph/kinds/fold.ts";
import type { Call, GraphValue } from "../graph/kinds/kind.ts";
import { KINDS } from "../graph/kinds/kinds.ts";
import type { Size } from "../graph/kinds/sizes.ts";
import type { ConstantValue, Operator, OperatorGraph } from "../graph/operators.ts";
import { type AxisValue, axisValue, bundleDigits, type Digit, fixedAxis, opaqueValue } from "./axis-values.ts";
import { createCall } from "./call.ts";
import { liveOperators } from "./live-operators.ts";
import { fixAxes } from "./move-axes.ts";
import { type Courses, type KnownFrom, NeverRuns, type Reading, unknownOf } from "./reading.ts";
import { Units } from "./units.ts";

/** Bodies inside bodies; networks have two or three. */
const MAX_DEPTH = 32;
/** Beyond the first; networks that squeeze a batch of one in four places have so many. */
const MAX_COURSES = 15;

/**
 * Everything that the graph shows of the model's tensors. Where branches give values of different shapes, the network
 * is read once for each: the units learn what every course asks for. Throws `SpecError` where the graph is malformed.
 */
export function readOperators(graph: OperatorGraph, model: Pick<Model, "tensors">): Reading {
  try {
    return readCourses(graph, model, { waiting: [new Map()], left: MAX_COURSES });
  } catch (error) {
    // What no course of its own shows as sound is read with both branches at once, which asks for more.
    if (!(error instanceof ForkedError)) throw error;
    return readCourses(graph, model, { waiting: [new Map()], left: 0 });
  }
}

/** A fault of a graph whose courses were read one by one. */
class ForkedError extends Error {}

function readCourses(graph: OperatorGraph, model: Pick<Model, "tensors">, courses: Courses): Reading {
  const shared = {
    units: new Units(),
    model,
    tensors: new Map(),
    read: new Set<string>(),
    statistics: new Set<string>(),
  };
  let [last, fault]: [Reading | undefined, NeverRuns | undefined] = [undefined, undefined];
  const most = courses.left;
  let unknownSizes = 0;
  for (let choices = courses.waiting.pop(); choices !== undefined; choices = courses.waiting.pop()) {
    const own = { values: new Map(), known: new Map(), tensorOf: new Map(), choices: new Map(choices), loops: 0 };
    const reading: Reading = { ...shared, ...own, unknownSizes, courses };
    try {
      readCourse(reading, graph);
      last = reading;
    } catch (error) {
      if (!(error instanceof NeverRuns)) throw courses.left < most ? new ForkedError() : error;
      fault ??= error;
    }
    unknownSizes = reading.unknownSizes;
  }
  if (last === undefined) throw fault!;
  return last;
}

function readCourse(reading: Reading, graph: OperatorGraph): void {
  const { units } = reading;
  const named = new Map<string, Size>();
  const sizeOf = (symbol: string | undefined): Size => {
    const size = named.get(symbol ?? "") ?? unknownOf(reading);
    if (symbol !== undefined) named.set(symbol, size);
    return size;
  };
  for (const { name, shape, symbols } of graph.inputs) {
    if (graph.tensors.has(name)) continue;
    const cause = units.cause(`input ${name}`, "inputs keep their order");
    const axes = shape?.map((size, at) => fixedAxis(size ?? sizeOf(symbols?.[at]), cause));
    define(reading, name, axes === undefined ? opaqueValue(cause) : axisValue(axes));
  }
  runGraph(reading, graph, 0);
  for (const name of graph.outputs) {
    if (reading.tensorOf.has(name)) reading.read.add(reading.tensorOf.get(name)!);
    fixAxes(
      units,
      namedValue(reading, name, "the graph's outputs"),
      units.cause(`output ${name}`, "outputs keep their order"),
    );
  }
}

function define(reading: Reading, name: string, value: AxisValue): void {
  if (reading.values.has(name)) throw new SpecError(`value ${name} is made twice, expected once`);
  reading.values.set(name, value);
}

/** The value of this name; `reader` asks for it. */
export function namedValue(reading: Reading, name: string, reader: string): AxisValue {
  const value = reading.values.get(name);
  if (value !== undefined) return value;
  throw new SpecError(`${reader} reads ${name}, expected a value that an operator before it makes`);
}

/** Tensors, constants and operators of a graph or a body, in order. */
export function runGraph(reading: Reading, graph: OperatorGraph, depth: number): void {
  if (depth > MAX_DEPTH) throw new SpecError(`the graph has bodies ${depth} deep, expected at most ${MAX_DEPTH}`);
  for (const [name, tensor] of graph.tensors) {
    define(reading, name, tensorValue(reading, name, tensor));
    reading.tensorOf.set(name, tensor);
  }
  for (const [name, constant] of graph.constants) {
    const from = new Set(graph.tensors.has(name) ? [graph.tensors.get(name)!] : []);
    const isFloat = constant.dtype === "float";
    reading.known.set(name, { shape: constant.shape, values: constant.values, isFloat, from });
    if (from.size === 0) define(reading, name, constantValue(reading, name, constant));
  }
  const live = new Set(liveOperators(graph));
  for (const operator of graph.operators)
    if (live.has(operator)) runOperator(reading, operator, depth);
    else passOperator(reading, operator);
}

/** Axes of a tensor: new units, the same for every value that is this tensor. */
function tensorValue({ units, model, tensors }: Reading, name: string, tensor: string): AxisValue {
  const known = tensors.get(tensor);
  if (known !== undefined) return known;
  const info = model.tensors.get(tensor);
  if (info === undefined) throw new SpecError(`value ${name} is tensor ${tensor}, expected a model that has it`);
  const value = axisValue(
    info.shape.map((size) => (size <= 1 ? fixedAxis(size, -1) : bundleDigits(units.fresh(size), [size]))),
  );
  tensors.set(tensor, value);
  return value;
}

/** Axes of a constant along which its elements do not change ask for nothing; the others keep their order. */
function constantValue({ units }: Reading, name: string, { shape, values }: ConstantValue): AxisValue {
  const cause = units.cause(`constant ${name}`, "its elements keep their order");
  const count = shape.reduce((product, size) => product * size, 1);
  if (values.length !== count)
    throw new SpecError(
      `constant ${name} has ${values.length} elements, expected ${count} of shape ${shape.join("×")}`,
    );
  let stride = count;
  const axes = shape.map((size): Digit[] => {
    stride /= size || 1;
    const step = stride;
    const alike = values.every((value, at) => Math.floor(at / step) % size === 0 || value === values[at - step]);
    return fixedAxis(size, alike ? -1 : cause);
  });
  return axisValue(axes);
}

function runOperator(reading: Reading, operator: Operator, depth: number): void {
  const { units } = reading;
  const inputs = operator.inputs.map((name) => (name === "" ? undefined : namedValue(reading, name, operator.name)));
  const call = createCall(reading, operator, inputs, (name, values) => runBody(reading, operator, name, values, depth));
  const outputs = outputsOf(call, units, operator);
  const folded = knownOutputs(reading, operator, inputs);
  for (const [at, name] of operator.outputs.entries()) {
    if (name === "") continue;
    const cause = `${operator.kind} makes it in a way that inference does not follow`;
    define(reading, name, (outputs[at] as AxisValue | undefined) ?? opaqueValue(units.cause(operator.name, cause)));
    const known = folded?.[at];
    if (known !== undefined) reading.known.set(name, known);
  }
  if (operator.kind === "Identity") alias(reading, operator);
  else
    for (const name of operator.inputs) if (reading.tensorOf.has(name)) reading.read.add(reading.tensorOf.get(name)!);
}

/** An operator that no output depends on asks for nothing; only what is known of its outputs is noted. */
function passOperator(reading: Reading, operator: Operator): void {
  const inputs = operator.inputs.map((name) => reading.values.get(name));
  const folded = knownOutputs(reading, operator, inputs);
  for (const [at, name] of operator.outputs.entries()) {
    if (name === "") continue;
    define(reading, name, opaqueValue(reading.units.cause(operator.name, "makes what no output depends on")));
    if (folded?.[at] !== undefined) reading.known.set(name, folded[at]);
  }
}

/** What is known of an operator's outputs: of a branch, what is known of those of the body that runs. */
function knownOutputs(
  { known, choices }: Reading,
  operator: Operator,
  inputs: readonly (AxisValue | undefined)[],
): (KnownFrom | undefined)[] | undefined {
  const body = operator.bodies?.get(choices.get(operator) ?? "");
  if (body !== undefined) return body.outputs.map((output) => known.get(output));
  const own = operator.inputs.map((name) => known.get(name));
  const from = new Set(own.flatMap((each) => [...(each?.from ?? [])]));
  return foldKnown(operator, own, inputs)?.map((each) => each && { ...each, from });
}

function alias({ tensorOf }: Reading, { inputs, outputs }: Operator): void {
  const tensor = tensorOf.get(inputs[0]!);
  if (tensor !== undefined) tensorOf.set(outputs[0]!, tensor);
}

/** What the operator's kind makes; what it cannot read is named. */
function outputsOf(call: Call, units: Units, operator: Operator): readonly (GraphValue | undefined)[] {
  try {
    return KINDS.get(operator.kind)?.(call) ?? unknownKind(call, units, operator);
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof RangeError)) throw error;
    const { name, kind } = operator;
    throw new SpecError(`${name} (${kind}) has inputs or attributes that do not fit it, expected those of ${kind}`, {
      cause: error,
    });
  }
}

/** All that an operator reads is fixed, and what it makes is. */
function unknownKind(call: Call, units: Units, { kind, name }: Operator): (GraphValue | undefined)[] {
  const reason = `${kind} is no operator that inference knows`;
  for (const value of call.inputs) if (value !== undefined) call.fix(value, reason);
  return call.operator.outputs.map(() => opaqueValue(units.cause(name, reason)));
}

function runBody(
  reading: Reading,
  { name, kind, bodies }: Operator,
  which: string,
  inputs: readonly AxisValue[],
  depth: number,
): AxisValue[] {
  const body = bodies?.get(which);
  if (body === undefined) throw new SpecError(`${name} has no body ${which}, expected one`);
  const own = body.inputs.filter((input) => !body.tensors.has(input.name));
  if (own.length !== inputs.length)
    throw new SpecError(`${name} gives ${which} ${inputs.length} values, expected ${own.length}`);
  for (const [at, input] of own.entries()) define(reading, input.name, inputs[at]!);
  if (kind !== "If") reading.loops++;
  runGraph(reading, body, depth + 1);
  if (kind !== "If") reading.loops--;
  return body.outputs.map((output) => {
    if (reading.tensorOf.has(output)) reading.read.add(reading.tensorOf.get(output)!);
    return namedValue(reading, output, `${name} ${which}`);
  });
}
