/** The operator graph of a graph model: TensorFlow's nodes in JSON, whose constants are in the shards. */

import { describe } from "../../../base/describe.ts";
import type { Dtype } from "../../../base/dtype.ts";
import { FormatError } from "../../../base/errors.ts";
import { elementCount } from "../../../base/model.ts";
import type { ConstantValue, OperatorGraph } from "../../../graph/operators.ts";
import { OperatorBuilder } from "../../keras/graph/graph-builder.ts";
import { isObject } from "../manifest.ts";
import { readWeight } from "../read-weight.ts";
import type { TfjsContainer } from "../tfjs-container.ts";
import type { NodeCall, TensorflowNode } from "./graph-node.ts";
import { NODES } from "./node-kinds.ts";

const MAX_NODES = 1_000_000;
/** More elements decide no shape. */
const MAX_KNOWN = 4096;
const MAX_OUTPUTS = 1024;

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

interface Work {
  readonly container: TfjsContainer;
  readonly builder: OperatorBuilder;
  readonly values: Map<string, readonly string[]>;
  readonly known: Map<string, ConstantValue>;
  /** How many outputs of each node others read. */
  readonly read: Map<string, number>;
}

/**
 * Makes the graph of `modelTopology`. Throws `FormatError`, naming file and node, for circles and nodes that are
 * missing.
 */
export async function graphModel(
  container: TfjsContainer,
  topology: Readonly<Record<string, unknown>>,
  json: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<OperatorGraph> {
  const file = container.source.name;
  const nodes = readNodes(topology, file);
  const read = new Map<string, number>();
  for (const { inputs } of nodes.values())
    for (const { node, output } of inputs) read.set(node, Math.max(read.get(node) ?? 0, output + 1));
  const work: Work = { container, builder: new OperatorBuilder(), values: new Map(), known: new Map(), read };
  const outputs = outputsOf(nodes, json, read, file);
  for (const node of inOrder(nodes, outputs, file)) await addNode(work, node, signal);
  const values = outputs
    .map(({ node, output }) => work.values.get(node)?.[output])
    .filter((value) => value !== undefined);
  return work.builder.graph(values, typeof json.convertedBy === "string" ? json.convertedBy : undefined);
}

function readNodes(topology: Readonly<Record<string, unknown>>, file: string): Map<string, TensorflowNode> {
  const list = listOf(topology.node);
  if (list.length > MAX_NODES) throw new FormatError(`${file} has ${list.length} nodes, expected at most ${MAX_NODES}`);
  const nodes = new Map<string, TensorflowNode>();
  for (const node of list) {
    if (!isObject(node) || typeof node.name !== "string" || typeof node.op !== "string")
      throw new FormatError(`${file} has the node ${describe(node)}, expected one with a name and an operator`);
    const { name, op } = node;
    if (nodes.has(name)) throw new FormatError(`${file} has the node ${describe(name)} twice, expected it once`);
    const inputs = listOf(node.input).filter(
      (input) => typeof input === "string" && !input.startsWith("^"),
    ) as string[];
    nodes.set(name, { name, op, inputs: inputs.map(referenceOf), attr: isObject(node.attr) ? node.attr : {} });
  }
  for (const { name, inputs } of nodes.values())
    for (const input of inputs) {
      if (!nodes.has(input.node))
        throw new FormatError(
          `${file} node ${describe(name)} reads ${describe(input.node)}, expected one of its nodes`,
        );
      if (input.output >= MAX_OUTPUTS)
        throw new FormatError(
          `${file} node ${describe(name)} reads output ${input.output} of ${describe(input.node)}, expected less than ${MAX_OUTPUTS}`,
        );
    }
  return nodes;
}

/** `name`, or `name:1`. */
function referenceOf(text: string): { node: string; output: number } {
  const [, node, output] = /^(.*):(\d{1,6})$/s.exec(text) ?? [];
  return node === undefined ? { node: text, output: 0 } : { node, output: Number(output) };
}

/** What the signature names; without one, what nothing reads. */
function outputsOf(
  nodes: ReadonlyMap<string, TensorflowNode>,
  json: Readonly<Record<string, unknown>>,
  read: ReadonlyMap<string, number>,
  file: string,
): { node: string; output: number }[] {
  const meta = isObject(json.userDefinedMetadata) ? json.userDefinedMetadata.signature : undefined;
  const signature = isObject(json.signature) ? json.signature : meta;
  const named = isObject(signature) && isObject(signature.outputs) ? Object.values(signature.outputs) : [];
  const found = named.flatMap((output) =>
    isObject(output) && typeof output.name === "string" ? [referenceOf(output.name)] : [],
  );
  for (const { node } of found)
    if (!nodes.has(node)) throw new FormatError(`${file} has the output ${describe(node)}, expected one of its nodes`);
  if (found.length > 0) return found;
  return [...nodes.values()]
    .filter(({ name, op }) => !read.has(name) && op !== "NoOp" && op !== "Const")
    .map(({ name }) => ({ node: name, output: 0 }));
}

/** What hands a value on to the next round of a loop. */
const NEXT = "NextIteration";

/**
 * The nodes that the outputs need, each behind what it reads. Where a loop begins, what comes round is left out, and
 * read as an output: nothing is known of either.
 */
function inOrder(
  nodes: ReadonlyMap<string, TensorflowNode>,
  outputs: readonly { node: string }[],
  file: string,
): TensorflowNode[] {
  const ordered: TensorflowNode[] = [];
  const state = new Map<string, "open" | "done">();
  const rounds = [...nodes.values()].filter(({ op }) => op === NEXT).map(({ name }) => ({ node: name }));
  for (const { node: output } of [...outputs, ...rounds]) {
    const stack = state.has(output) ? [] : [{ node: nodes.get(output)!, next: 0 }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const { name, inputs } = top.node;
      state.set(name, "open");
      const input = inputs[top.next];
      if (input === undefined) {
        stack.pop();
        state.set(name, "done");
        ordered.push(top.node);
        continue;
      }
      top.next++;
      if (top.node.op === "Merge" && nodes.get(input.node)!.op === NEXT) continue;
      const before = state.get(input.node);
      if (before === "open")
        throw new FormatError(`${file} has the node ${describe(input.node)} in a circle (a loop?), expected none`);
      if (before === undefined) stack.push({ node: nodes.get(input.node)!, next: 0 });
    }
  }
  return ordered;
}

async function addNode(work: Work, node: TensorflowNode, signal: AbortSignal | undefined): Promise<void> {
  const { builder, values, known, read, container } = work;
  const { name, op, attr } = node;
  const weight = container.tensors.get(name);
  if (op === "Const" && weight !== undefined) {
    const value = builder.tensor(name, container.infos.get(name)!.shape.length);
    const elements = await knownElements(work, name, signal);
    if (elements !== undefined) {
      builder.known(value, elements);
      known.set(value, elements);
    }
    values.set(name, [value]);
    return;
  }
  if (op.startsWith("Placeholder")) {
    values.set(name, [builder.input(name, shapeOf(attr.shape))]);
    return;
  }
  const inputs = node.inputs.map((input) => values.get(input.node)?.[input.output] ?? "");
  const outputs = read.get(name) ?? 1;
  const call: NodeCall = { builder, node, inputs, outputs, known: (at) => known.get(inputs[at] ?? "") };
  const kind = inputs.length > 0 && !inputs.includes("") ? NODES.get(op) : undefined;
  const made = kind?.(call);
  values.set(
    name,
    made !== undefined && made.length >= outputs
      ? made
      : builder.ops(`tensorflow.${op}`, name, inputs, outputs, {}, undefined),
  );
  // What an Identity gives is as well known as what it reads.
  if (op === "Identity" && made !== undefined) {
    const elements = known.get(inputs[0]!);
    if (elements !== undefined) known.set(made[0]!, elements);
  }
}

const KNOWN: Readonly<Partial<Record<Dtype, ConstantValue["dtype"]>>> = { I32: "int", BOOL: "bool", F32: "float" };

/** The elements of a small constant that may be a shape, an axis or a bound. */
async function knownElements(
  { container }: Work,
  name: string,
  signal: AbortSignal | undefined,
): Promise<ConstantValue | undefined> {
  const { dtype, shape } = container.infos.get(name)!;
  const kind = KNOWN[dtype];
  const count = elementCount(shape);
  if (kind === undefined || count > (kind === "float" ? 1 : MAX_KNOWN)) return undefined;
  const bytes = Uint8Array.from(await readWeight(container, container.tensors.get(name)!, signal));
  const values =
    dtype === "I32" ? new Int32Array(bytes.buffer) : dtype === "F32" ? new Float32Array(bytes.buffer) : bytes;
  return { dtype: kind, shape, values: [...values] };
}

/** `{ shape: { dim: [{ size: "1" }, …] } }`; −1 is unknown. */
function shapeOf(attribute: unknown): (number | undefined)[] | undefined {
  const shape = isObject(attribute) ? attribute.shape : undefined;
  if (!isObject(shape) || shape.unknownRank === true) return undefined;
  return listOf(shape.dim).map((dim) => {
    const size = isObject(dim) ? Number(dim.size) : Number.NaN;
    return Number.isSafeInteger(size) && size >= 0 ? size : undefined;
  });
}
