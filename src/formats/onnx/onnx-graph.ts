/**
 * Walks over a ModelProto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto): weights are initialisers and `Constant`
 * nodes, also in the graphs of branches and loops and in functions.
 */

import { describe } from "../../base/describe.ts";
import type { NumberField } from "./onnx-dtypes.ts";
import { type GraphNode, type NodeAttribute, readNode, type WalkedGraph } from "./onnx-node.ts";
import { type OnnxTensor, type ReadTensor, readEntry, readTensor } from "./onnx-tensor.ts";
import { numberRuns } from "./onnx-values.ts";
import {
  BYTES,
  countOf,
  fieldsOf,
  messageOf,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
  protoFault,
  textOf,
  wholeFile,
} from "./protobuf.ts";

/** What a model's file holds. */
export interface OnnxIndex {
  readonly file: ProtoFile;
  readonly tensors: Map<string, OnnxTensor>;
  /** What is left in the file as it is, by name: no numbers (text), or numbers that have no dtype here. */
  readonly leftOut: LeftOut[];
  /** Nodes by operator, those of other domains with the domain. */
  readonly operators: Map<string, number>;
  /** All of them; the model's own has neither scope nor parent. */
  readonly graphs: WalkedGraph[];
  /** Nodes of all graphs, without `Constant`s. */
  nodes: number;
  /** Bodies of functions. */
  readonly functions: WalkedGraph[];
  readonly opsets: Map<string, string>;
  /** Producer, its version, IR version, …: in words. */
  readonly facts: Map<string, string>;
  readonly metadata: Map<string, string>;
  /** Where the entries of `metadata` are. */
  readonly metadataFields: ProtoField[];
}

/** Something in the file that is no tensor here. */
export interface LeftOut {
  readonly name: string;
  readonly what: string;
  /** True for weights, whose units would have to move with the others'. */
  readonly isNumeric: boolean;
}

/** Far above any model's. */
const MAX_TENSORS = 1_000_000;
/** In all graphs together; twice as many as the graph's reader takes. */
const MAX_NODES = 400_000;
const MAX_NUMBERS_IN_ATTRIBUTE = 2 ** 24;

/** Fields of ModelProto, GraphProto and FunctionProto. */
const MODEL = {
  irVersion: 1,
  producer: 2,
  producerVersion: 3,
  graph: 7,
  opset: 8,
  metadata: 14,
  training: 20,
  functions: 25,
};
const GRAPH = { node: 1, initializer: 5, sparse: 15 };
const FUNCTION = { name: 1, node: 7 };
/** AttributeProto: where `Constant` has its value. */
const FLOATS: NumberField = { number: 7, encoding: "fixed32" };
const INTS: NumberField = { number: 8, encoding: "varint" };
const FLOAT: NumberField = { number: 2, encoding: "fixed32" };
const INT: NumberField = { number: 3, encoding: "varint" };

/** Reads the index of a model. Throws `FormatError`, naming the byte, for what is malformed. */
export async function readOnnxIndex(file: ProtoFile): Promise<OnnxIndex> {
  const index: OnnxIndex = {
    file,
    tensors: new Map(),
    leftOut: [],
    operators: new Map(),
    graphs: [],
    functions: [],
    nodes: 0,
    opsets: new Map(),
    facts: new Map(),
    metadata: new Map(),
    metadataFields: [],
  };
  const whole = wholeFile(file);
  let graph: ProtoField | undefined;
  for await (const field of fieldsOf(file, whole)) {
    if (field.number === MODEL.graph) {
      if (graph !== undefined) throw protoFault(file, field.at, "is a second graph, expected one");
      graph = field;
    } else await takeModelField(index, field, whole);
  }
  if (graph === undefined) throw protoFault(file, 0, "begins no ONNX model (it has no graph), expected one");
  await walkGraph(index, messageOf(file, graph, whole), "", undefined);
  return index;
}

async function takeModelField(index: OnnxIndex, field: ProtoField, whole: ProtoMessage): Promise<void> {
  const { file, facts } = index;
  switch (field.number) {
    case MODEL.irVersion:
      facts.set("IR version", String(countOf(file, field)));
      break;
    case MODEL.producer:
      facts.set("producer", await textOf(file, field));
      break;
    case MODEL.producerVersion:
      facts.set("producer version", await textOf(file, field));
      break;
    case MODEL.opset: {
      let [domain, version] = ["", "0"];
      for await (const part of fieldsOf(file, messageOf(file, field, whole))) {
        if (part.number === 1) domain = await textOf(file, part);
        else if (part.number === 2) version = String(countOf(file, part));
      }
      index.opsets.set(domain, version);
      break;
    }
    case MODEL.metadata: {
      const [key, value] = await readEntry(file, field, whole);
      if (index.metadata.has(key))
        throw protoFault(file, field.at, `is metadata ${describe(key)} a second time, expected it once`);
      index.metadata.set(key, value);
      index.metadataFields.push(field);
      break;
    }
    case MODEL.training:
      index.leftOut.push({ name: "training_info", what: "of training", isNumeric: false });
      break;
    case MODEL.functions:
      await walkFunction(index, messageOf(file, field, whole));
      break;
  }
}

/** A function's tensors are its `Constant`s. */
async function walkFunction(index: OnnxIndex, message: ProtoMessage): Promise<void> {
  const { file } = index;
  const nodes: ProtoField[] = [];
  let name = "";
  for await (const field of fieldsOf(file, message)) {
    if (field.number === FUNCTION.name) name = await textOf(file, field);
    else if (field.number === FUNCTION.node) nodes.push(field);
  }
  const graph: WalkedGraph = { message, scope: `${name}/`, parent: undefined, names: new Map(), nodes: [] };
  index.graphs.push(graph);
  index.functions.push(graph);
  for (const field of nodes) await takeNode(index, graph, messageOf(file, field, message));
}

async function walkGraph(
  index: OnnxIndex,
  message: ProtoMessage,
  scope: string,
  parent: WalkedGraph | undefined,
): Promise<WalkedGraph> {
  const { file } = index;
  const graph: WalkedGraph = { message, scope, parent, names: new Map(), nodes: [] };
  index.graphs.push(graph);
  for await (const field of fieldsOf(file, message)) {
    if (field.number === GRAPH.node) await takeNode(index, graph, messageOf(file, field, message));
    else if (field.number === GRAPH.initializer)
      add(index, graph, field.at, await readTensor(file, messageOf(file, field, message)));
    else if (field.number === GRAPH.sparse) await leaveSparse(index, graph, messageOf(file, field, message));
  }
  return graph;
}

/** A SparseTensorProto: its values (field 1) have the name. */
async function leaveSparse({ file, leftOut }: OnnxIndex, graph: WalkedGraph, message: ProtoMessage): Promise<void> {
  let name = "";
  for await (const field of fieldsOf(file, message))
    if (field.number === 1) ({ name } = await readTensor(file, messageOf(file, field, message)));
  graph.names.set(name, graph.scope + name);
  leftOut.push({ name: graph.scope + name, what: "sparse", isNumeric: true });
}

async function takeNode(index: OnnxIndex, graph: WalkedGraph, message: ProtoMessage): Promise<void> {
  const { file, operators } = index;
  const { node, attributes } = await readNode(file, message);
  const operator = node.domain === "" ? node.operator : `${node.domain}.${node.operator}`;
  operators.set(operator, (operators.get(operator) ?? 0) + 1);
  if (node.operator === "Constant" && node.domain === "" && !attributes.some(({ isReference }) => isReference)) {
    await takeConstant(index, graph, node, attributes);
    return;
  }
  const own = ownName(node, graph.nodes.length);
  graph.nodes.push(node);
  if (++index.nodes > MAX_NODES) throw protoFault(file, message.from, `is node ${MAX_NODES + 1}, expected fewer`);
  for (const attribute of attributes) {
    for (const [at, body] of attribute.graphs.entries()) {
      const which = attribute.graphs.length > 1 ? `${attribute.name}.${at}` : attribute.name;
      const scope = `${graph.scope}${own}/${which}/`;
      node.bodies.set(which, await walkGraph(index, messageOf(file, body, attribute.message), scope, graph));
    }
    if (attribute.tensors.length > 0 && node.operator !== "ConstantOfShape")
      index.leftOut.push({ name: `${graph.scope}${own}/${attribute.name}`, what: "an attribute", isNumeric: false });
  }
}

/** Names of nodes need not be there, and need not be unique: then the number in its graph identifies the node. */
export const ownName = ({ name, operator }: Pick<GraphNode, "name" | "operator">, at: number): string =>
  name === "" ? `${operator}_${at}` : name;

/** `Constant` has one attribute: a tensor, a number, a list of numbers, text. */
async function takeConstant(
  index: OnnxIndex,
  graph: WalkedGraph,
  { outputs }: GraphNode,
  attributes: readonly NodeAttribute[],
): Promise<void> {
  const { file } = index;
  const [name = ""] = outputs;
  for (const { name: kind, message, tensors } of attributes) {
    const [tensor] = tensors;
    if (tensor !== undefined) {
      const read = await readTensor(file, messageOf(file, tensor, message));
      add(index, graph, message.from, { name, tensor: read.tensor });
      continue;
    }
    const [field, isList] = numbersOf(kind);
    if (field === undefined) {
      graph.names.set(name, graph.scope + name);
      index.leftOut.push({ name: graph.scope + name, what: kind, isNumeric: kind.startsWith("sparse") });
      continue;
    }
    const count = await countNumbers(file, message, field);
    if (!isList && count !== 1) throw protoFault(file, message.from, `has ${count} numbers as ${kind}, expected one`);
    const dtype = field.encoding === "varint" ? "I64" : "F32";
    const byteLength = count * (dtype === "I64" ? 8 : 4);
    add(index, graph, message.from, {
      name,
      tensor: { dtype, shape: isList ? [count] : [], byteLength, place: { kind: "numbers", message, field } },
    });
  }
}

function numbersOf(attribute: string): readonly [NumberField | undefined, boolean] {
  if (attribute === "value_float") return [FLOAT, false];
  if (attribute === "value_int") return [INT, false];
  if (attribute === "value_floats") return [FLOATS, true];
  return [attribute === "value_ints" ? INTS : undefined, true];
}

async function countNumbers(file: ProtoFile, message: ProtoMessage, field: NumberField): Promise<number> {
  let count = 0;
  for (const { wire, from, until, at } of await numberRuns(file, { kind: "numbers", message, field })) {
    if (until - from > MAX_NUMBERS_IN_ATTRIBUTE)
      throw protoFault(
        file,
        at,
        `has ${until - from} bytes, expected at most ${MAX_NUMBERS_IN_ATTRIBUTE} in an attribute`,
      );
    if (wire !== BYTES) count++;
    else if (field.encoding === "fixed32") count += (until - from) / 4;
    else for (const byte of await file.source.slice(from, until, file.signal)) if (byte < 128) count++;
  }
  if (Number.isInteger(count)) return count;
  throw protoFault(file, message.from, "has floats of no whole number of 4 bytes, expected some");
}

function add(
  { file, tensors, leftOut }: OnnxIndex,
  graph: WalkedGraph,
  at: number,
  { name, tensor }: ReadTensor,
): void {
  const full = graph.scope + name;
  if (name === "") throw protoFault(file, at, "is a tensor without a name, expected one");
  if (graph.names.has(name) || tensors.has(full))
    throw protoFault(file, at, `is tensor ${describe(full)} a second time, expected it once`);
  graph.names.set(name, full);
  if ("leftOut" in tensor) leftOut.push({ name: full, what: tensor.leftOut, isNumeric: tensor.leftOut !== "STRING" });
  else tensors.set(full, tensor);
  if (tensors.size + leftOut.length > MAX_TENSORS)
    throw protoFault(file, at, `is tensor ${MAX_TENSORS + 1}, expected fewer`);
}
