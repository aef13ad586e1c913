/** Inputs drawn at random for an ONNX graph: of the sizes and ranges that the graph allows. */

import { FormatError } from "../../base/errors.ts";
import { elementCount, type TensorInfo } from "../../base/model.ts";
import { createRng, type Rng } from "../../base/rng.ts";
import type { Operator, OperatorGraph, OperatorInput } from "../../graph/operators.ts";
import type { OnnxRuntime, OnnxRuntimeTensor } from "./runtime.ts";

/** What is known of an input beyond its type. */
export interface GivenInput {
  /** Its sizes. */
  readonly shape?: readonly number[] | undefined;
  /** Its values, repeated until the shape is full. */
  readonly values?: readonly number[] | undefined;
}

/** How inputs are drawn. */
export interface DrawOptions {
  readonly runtime: Pick<OnnxRuntime, "Tensor">;
  readonly seed: number;
  /** The first size that the file leaves open. */
  readonly batch: number;
  /** Every other size that it leaves open. */
  readonly free: number;
  readonly given: ReadonlyMap<string, GivenInput>;
}

/** Throws `RangeError` for a name that no input has: a mistyped one would leave the input to chance. */
export function checkGiven(
  model: string,
  inputs: readonly { readonly name: string }[],
  given: ReadonlyMap<string, GivenInput> | undefined,
): void {
  const names = inputs.map(({ name }) => name);
  for (const name of given?.keys() ?? [])
    if (!names.includes(name))
      throw new RangeError(`${model} has no input ${name}, expected one of ${names.join(", ")}`);
}

/** What the graph does with the whole numbers of an input. */
interface WholeUse {
  /** They are rows of a table of that many. */
  limit: number;
  /** They are compared with these. */
  readonly compared: Set<number>;
}

/** Sets of inputs: one for every way that the graph has of asking what a whole number is. */
export function drawInputs(
  graph: OperatorGraph,
  tensors: ReadonlyMap<string, TensorInfo>,
  options: DrawOptions,
): Map<string, OnnxRuntimeTensor>[] {
  const uses = wholeUses(graph, tensors);
  const asked = graph.inputs.filter(({ dtype }) => dtype !== undefined && /^[IU]\d/.test(dtype));
  const compared = asked.map(({ name }) => uses.get(name)!.compared.size);
  const ways = Math.max(1, ...compared.map((count) => (count > 0 ? count + 1 : 0)));
  return Array.from({ length: ways }, (_, way) => {
    const rng = createRng(options.seed + way);
    return new Map(
      graph.inputs.map((input) => [input.name, draw(input, uses.get(input.name), { ...options, rng, way })]),
    );
  });
}

interface Drawing extends DrawOptions {
  readonly rng: Rng;
  readonly way: number;
}

const TYPES: Readonly<Record<string, readonly [type: string, make: (values: readonly number[]) => unknown]>> = {
  F32: ["float32", (values) => Float32Array.from(values)],
  F64: ["float64", (values) => Float64Array.from(values)],
  I64: ["int64", (values) => BigInt64Array.from(values, BigInt)],
  I32: ["int32", (values) => Int32Array.from(values)],
  I16: ["int16", (values) => Int16Array.from(values)],
  I8: ["int8", (values) => Int8Array.from(values)],
  U64: ["uint64", (values) => BigUint64Array.from(values, BigInt)],
  U32: ["uint32", (values) => Uint32Array.from(values)],
  U16: ["uint16", (values) => Uint16Array.from(values)],
  U8: ["uint8", (values) => Uint8Array.from(values)],
  BOOL: ["bool", (values) => Uint8Array.from(values)],
};

function draw(
  { name, dtype = "F32", shape }: OperatorInput,
  use: WholeUse | undefined,
  drawing: Drawing,
): OnnxRuntimeTensor {
  const { runtime, batch, free, given } = drawing;
  const known = TYPES[dtype];
  if (known === undefined)
    throw new FormatError(`input ${name} has type ${dtype}, expected numbers of ${Object.keys(TYPES).join(", ")}`);
  const own = given.get(name);
  const stated = own?.shape ?? shape;
  if (stated === undefined)
    throw new RangeError(`input ${name} has no shape in its file, expected one: --shape ${name}=1x3x224x224`);
  const open = stated.indexOf(undefined);
  const dims = stated.map((size, i) => size ?? (i === open ? batch : free));
  const count = elementCount(dims);
  const next = own?.values === undefined ? valuesFor(dtype, use, drawing) : cycle(own.values);
  const [type, make] = known;
  return new runtime.Tensor(type as never, make(Array.from({ length: count }, next)) as never, dims);
}

function cycle(values: readonly number[]): () => number {
  let at = 0;
  return () => values[at++ % values.length]!;
}

/**
 * Whole numbers without a table are masks more often than not: ones. Those that are compared are each of the values
 * in turn.
 */
function valuesFor(dtype: string, use: WholeUse | undefined, { rng, way }: Drawing): () => number {
  if (use !== undefined && use.limit > 0) return () => rng.below(use.limit);
  if (dtype.startsWith("F")) return () => gaussian(rng);
  if (dtype === "BOOL") return () => 1;
  const compared = [...(use?.compared ?? [])];
  if (compared.length > 0) return () => compared[way] ?? Math.max(...compared) + 1;
  if (dtype === "U8") return () => rng.below(256);
  return () => 1;
}

/**
 * Close to a normal distribution: the sum of twelve uniform numbers (no `Math.log`, whose bits differ between
 * engines).
 */
function gaussian(rng: Rng): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += rng.uniform();
  return sum;
}

/** Operators that hand whole numbers on. */
const PASSING = new Set([
  "Identity",
  "Cast",
  "Unsqueeze",
  "Squeeze",
  "Reshape",
  "Expand",
  "Flatten",
  "Transpose",
  "Slice",
]);
const COMPARING = new Set(["Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"]);

/** What is known of values on the way through a graph. */
interface Walk {
  /** The input that a value's numbers come from. */
  readonly from: Map<string, string>;
  readonly uses: Map<string, WholeUse>;
  /** Constants of one number. */
  readonly constants: Map<string, number>;
  /** Shapes of tensors. */
  readonly tables: Map<string, readonly number[]>;
}

function wholeUses(graph: OperatorGraph, tensors: ReadonlyMap<string, TensorInfo>): Map<string, WholeUse> {
  const walk: Walk = { from: new Map(), uses: new Map(), constants: new Map(), tables: new Map() };
  for (const { name } of graph.inputs) {
    walk.from.set(name, name);
    walk.uses.set(name, { limit: 0, compared: new Set() });
  }
  walkGraph(walk, graph, tensors);
  return walk.uses;
}

function walkGraph(walk: Walk, graph: OperatorGraph, tensors: ReadonlyMap<string, TensorInfo>): void {
  for (const [value, name] of graph.tensors) walk.tables.set(value, tensors.get(name)?.shape ?? []);
  for (const [value, { values }] of graph.constants) if (values.length === 1) walk.constants.set(value, values[0]!);
  for (const operator of graph.operators) {
    look(walk, operator);
    for (const body of operator.bodies?.values() ?? []) walkGraph(walk, body, tensors);
  }
}

function look({ from, uses, constants, tables }: Walk, { kind, inputs, outputs, attributes }: Operator): void {
  const [first = "", second = ""] = inputs;
  const handOn = <V>(values: Map<string, V>): void => {
    const value = values.get(first);
    if (value !== undefined) values.set(outputs[0]!, value);
  };
  if (PASSING.has(kind)) {
    handOn(from);
    handOn(constants);
    if (kind === "Identity") handOn(tables);
  } else if (kind === "Gather") {
    const use = uses.get(from.get(second) ?? "");
    const axis = (attributes.get("axis") as number | undefined) ?? 0;
    const size = tables.get(first)?.at(axis);
    if (use !== undefined && size !== undefined) use.limit = use.limit === 0 ? size : Math.min(use.limit, size);
  } else if (COMPARING.has(kind)) {
    for (const [value, other] of [
      [first, second],
      [second, first],
    ] as const) {
      const number = constants.get(other);
      if (number !== undefined) uses.get(from.get(value) ?? "")?.compared.add(number);
    }
  }
}
