/**
 * A file's graph as a network of images: its operators as `Graph` has them, the others by the names of their kinds.
 * From this follow where units show, what can be repaired, and whether TensorFlow.js can run it.
 */

import type { ResolvedSpec } from "../axes/types.ts";
import type { Model } from "../base/model.ts";
import type { Graph, Operation } from "../graph/graph.ts";
import { graphUpTo } from "../graph/graph-up-to.ts";
import type { Operator, OperatorGraph } from "../graph/operators.ts";
import { tensorUses } from "../graph/tensor-uses.ts";
import type { AxisValue } from "./axis-values.ts";
import { type Described, describeOperator } from "./describe-operator.ts";
import { type ImageChoice, type ImageInput, imageInput } from "./image-input.ts";
import type { ChannelAxis, NetworkDraft } from "./network-draft.ts";
import { operatorTaps } from "./operator-taps.ts";
import type { Reading } from "./reading.ts";
import { readOperators } from "./run-operators.ts";
import type { Tap } from "./taps.ts";

/** A network of images by its file's graph. */
export interface NetworkGraph {
  /** Values have the names of the file, but "input": the images, channels last. */
  readonly graph: Graph;
  readonly input: ImageInput;
  /** What the file itself gives, by the names of its values. */
  readonly outputs: readonly string[];
  /** The values that can be asked for: those of the file's own graph, not of bodies and functions. */
  readonly values: ReadonlySet<string>;
  /** By value; the last where it is not listed. */
  readonly axes: ReadonlyMap<string, ChannelAxis>;
  /** True where TensorFlow.js can run `graph`, from the images to the output. */
  readonly isPlain: boolean;
  /** Where the units of each permutation show. Values that cannot be asked for are left out. */
  taps(resolved: ResolvedSpec): Map<string, readonly Tap[]>;
}

/**
 * The network that `graph` is. `own` are the values of the file's own graph. Reads no tensors.
 *
 * @throws {RangeError} where no input, or no output, is one of images.
 * @throws {SpecError} for a malformed graph.
 */
export function networkGraph(
  graph: OperatorGraph,
  model: Pick<Model, "name" | "tensors">,
  own: ReadonlySet<string>,
  choice: ImageChoice = {},
): NetworkGraph {
  const input = imageInput(model.name, graph, choice);
  const reading = readOperators(graph, model);
  const [readers, uses] = [readersOf(graph), usesOf(graph, reading)];
  const named = { names: new Map(), sides: new Map(), later: new Set<string>() };
  const drawing: NetworkDraft = { reading, graph, readers, uses, input, ...named };
  const { operations, axes, leftOut } = drawAll(drawing, own);
  const output = drawing.names.get(outputOf(model.name, drawing))!;
  const channels = input.layout === undefined ? 1 : undefined;
  const whole: Graph = { operations, output, assumptions: [], channels, leftOut };
  for (const [value, found] of reading.values) {
    const side = unitSide(found);
    if (side !== undefined && !axes.has(value)) axes.set(value, side);
  }
  const values = new Set(operations.flatMap((each) => (own.has(each.output) ? [each.output] : [])));
  values.add(input.name);
  const plain = plainGraph(whole, model);
  return {
    graph: plain ?? whole,
    input,
    outputs: graph.outputs,
    values,
    axes,
    isPlain: plain !== undefined,
    taps: (resolved) => operatorTaps({ reading, graph, axes, values }, resolved),
  };
}

interface Drawn {
  readonly operations: Operation[];
  readonly axes: Map<string, ChannelAxis>;
  readonly leftOut: string[];
}

function drawAll(drawing: NetworkDraft, own: ReadonlySet<string>): Drawn {
  const { graph, input, names, sides, later } = drawing;
  const drawn: Drawn = { operations: [], axes: new Map(), leftOut: [] };
  drawInput(drawing, drawn);
  for (const operator of graph.operators) {
    const dynamic = operator.inputs.filter((value) => names.has(value));
    const isWaited = operator.inputs.some((value) => later.has(value));
    if (dynamic.length === 0 && !isWaited && operator.bodies === undefined) continue;
    const found = describeOperator(drawing, operator);
    // What is made in a function cannot be asked for.
    const mayChange = found.kind === undefined || operator.outputs.every((value) => value === "" || own.has(value));
    const isReal = found.same === undefined || found.same === input.name || own.has(names.get(found.same)!);
    const told: Described = mayChange && isReal ? found : { why: "is computed in a function of the file" };
    if (told.same !== undefined) {
      names.set(operator.outputs[0]!, names.get(told.same)!);
      const side = told.side ?? sides.get(told.same);
      if (side !== undefined) sides.set(operator.outputs[0]!, side);
    } else if (told.kind !== undefined) add(drawing, drawn, told, told.output ?? operator.outputs[0]!);
    else if (told.later) later.add(operator.outputs[0]!);
    else addOther(drawing, drawn, operator, dynamic, told.why);
  }
  if (input.rank === 4) drawn.axes.delete("input");
  return drawn;
}

function drawInput({ input, names, sides }: NetworkDraft, { operations }: Drawn): void {
  if (input.rank === 4) {
    names.set(input.name, "input");
    sides.set(input.name, input.layout === "nchw" ? 1 : -1);
    return;
  }
  const order = input.layout === "nchw" ? "channel-major" : "channel-minor";
  operations.push({ output: input.name, inputs: ["input"], kind: { op: "flatten", order } });
  names.set(input.name, input.name);
  sides.set(input.name, -1);
}

/** An operation, with the places of channels that it reads and makes. */
function add(
  { names, sides }: NetworkDraft,
  { operations, axes }: Drawn,
  { kind, reads = [], side }: Described,
  output: string,
): void {
  operations.push({ output, inputs: reads.map((value) => names.get(value)!), kind: kind! });
  names.set(output, output);
  if (side === undefined) return;
  sides.set(output, side);
  axes.set(output, side);
  for (const value of reads) {
    const read = names.get(value)!;
    // A value that was turned has the place of the one that it was.
    if (read !== "input" && !axes.has(read)) axes.set(read, sides.get(value) ?? side);
  }
}

function addOther(
  { names, sides, reading }: NetworkDraft,
  { operations, leftOut }: Drawn,
  operator: Operator,
  dynamic: readonly string[],
  why: string | undefined,
): void {
  const inputs = [...new Set(dynamic.map((value) => names.get(value)!))];
  for (const output of operator.outputs.filter((value) => value !== "")) {
    operations.push({ output, inputs, kind: { op: "other", kind: operator.kind } });
    names.set(output, output);
    const side = unitSide(reading.values.get(output));
    if (side !== undefined) sides.set(output, side);
  }
  if (why !== undefined) leftOut.push(`${operator.name} (${operator.kind}) ${why}`);
}

/** The one output that is logits: an end in a softmax gives them before it. */
function outputOf(model: string, { graph, names, reading }: NetworkDraft): string {
  const outputs = graph.outputs.filter((value) => names.has(value));
  const isRow = (value: string): boolean => reading.values.get(value)?.shape?.length === 2;
  const [first, ...more] = outputs.length > 1 ? outputs.filter(isRow) : outputs;
  if (first === undefined || more.length > 0)
    throw new RangeError(
      `${model} has outputs ${graph.outputs.join(", ")}, expected one of logits, [batch, classes]: export it with that alone`,
    );
  const last = graph.operators.find(({ outputs: made }) => made[0] === first);
  if (last?.kind === "Softmax") return last.inputs[0]!;
  if (last?.kind === "Sigmoid")
    throw new RangeError(`${model} ends in a Sigmoid, expected logits of classes: export it without`);
  return first;
}

/** What the output needs, where TensorFlow.js has all of it. */
function plainGraph(whole: Graph, model: Pick<Model, "name" | "tensors">): Graph | undefined {
  const needed = graphUpTo(whole, new Set([whole.output]));
  const isPlain = needed.operations.every(
    ({ kind }) => kind.op !== "other" && !(kind.op === "conv" && kind.window !== undefined),
  );
  if (!isPlain || whole.leftOut!.length > 0) return undefined;
  try {
    tensorUses(needed, model);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  return { ...whole, ...needed };
}

/** The operators that read each value; bodies count as the operators around them. */
function readersOf({ operators }: OperatorGraph): Map<string, Operator[]> {
  const readers = new Map<string, Operator[]>();
  const note = (operator: Operator, around: Operator): void => {
    for (const value of operator.inputs) readers.set(value, [...(readers.get(value) ?? []), around]);
    for (const body of operator.bodies?.values() ?? []) {
      for (const inner of body.operators) note(inner, around);
      for (const value of body.outputs) readers.set(value, [...(readers.get(value) ?? []), around]);
    }
  };
  for (const operator of operators) note(operator, operator);
  return readers;
}

/** How often operators read each tensor; being an output counts, too. */
function usesOf(graph: OperatorGraph, { tensorOf }: Reading): Map<string, number> {
  const uses = new Map<string, number>();
  const count = (value: string): void => {
    const tensor = tensorOf.get(value);
    if (tensor !== undefined) uses.set(tensor, (uses.get(tensor) ?? 0) + 1);
  };
  const walk = ({ operators, outputs }: OperatorGraph): void => {
    for (const { kind, inputs, bodies } of operators) {
      if (kind !== "Identity") inputs.forEach(count);
      for (const body of bodies?.values() ?? []) walk(body);
    }
    outputs.forEach(count);
  };
  walk(graph);
  return uses;
}

/** Where a value has its channels, if units move on one axis alone. */
function unitSide(value: AxisValue | undefined): ChannelAxis | undefined {
  const axes = value?.axes ?? [];
  const moving = axes.flatMap((digits, at) => (digits.some(({ bundle }) => bundle !== undefined) ? [at] : []));
  if (moving.length !== 1) return undefined;
  if (moving[0] === axes.length - 1) return -1;
  return moving[0] === 1 ? 1 : undefined;
}
