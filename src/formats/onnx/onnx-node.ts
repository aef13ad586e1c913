/** NodeProto and AttributeProto: what a node computes from which values. */

import {
  BYTES,
  countOf,
  fieldsOf,
  messageOf,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
  protoFault,
  pushCounts,
  textOf,
} from "./protobuf.ts";

/** A node, as far as the use of weights depends on it; `message` holds the rest. */
export interface GraphNode {
  readonly message: ProtoMessage;
  readonly operator: string;
  /** Empty for ONNX's own operators. */
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes that are whole numbers or short lists of them. */
  readonly numbers: ReadonlyMap<string, readonly (number | undefined)[]>;
  /** Graphs among its attributes, by the attribute's name: branches, a loop's body. */
  readonly bodies: Map<string, WalkedGraph>;
}

/** A graph's nodes but for `Constant`s, and its tensors. */
export interface WalkedGraph {
  readonly message: ProtoMessage;
  /** Put before its tensors' names; empty for the model's own graph. */
  readonly scope: string;
  /** The graph around it, whose values it sees. */
  readonly parent: WalkedGraph | undefined;
  /** Full names of tensors by the names that the graph has for them. */
  readonly names: Map<string, string>;
  readonly nodes: GraphNode[];
}

/** An attribute that holds graphs or tensors. */
export interface NodeAttribute {
  readonly name: string;
  readonly message: ProtoMessage;
  readonly graphs: readonly ProtoField[];
  readonly tensors: readonly ProtoField[];
  /** True when its value is that of an attribute of the function around it. */
  readonly isReference: boolean;
}

/** A node has as many inputs as a `Concat` of everything. */
const MAX_VALUES = 65536;
const MAX_ATTRIBUTES = 1024;
/** Longer lists of numbers are no axes, and are left in the file. */
const MAX_LIST_BYTES = 256;

/** Fields of NodeProto and of AttributeProto. */
const NODE = { input: 1, output: 2, name: 3, operator: 4, attribute: 5, domain: 7 };
const ATTRIBUTE = { name: 1, int: 3, tensor: 5, graph: 6, ints: 8, tensors: 10, graphs: 11, reference: 21 };

/** Reads a node and its attributes. Throws `FormatError` for what is malformed. */
export async function readNode(
  file: ProtoFile,
  message: ProtoMessage,
): Promise<{ node: GraphNode; attributes: NodeAttribute[] }> {
  const [inputs, outputs]: string[][] = [[], []];
  const words = { name: "", operator: "", domain: "" };
  const attributes: NodeAttribute[] = [];
  const numbers = new Map<string, readonly (number | undefined)[]>();
  for await (const field of fieldsOf(file, message)) {
    if (field.number === NODE.input) inputs!.push(await textOf(file, field));
    else if (field.number === NODE.output) outputs!.push(await textOf(file, field));
    else if (field.number === NODE.name) words.name = await textOf(file, field);
    else if (field.number === NODE.operator) words.operator = await textOf(file, field);
    else if (field.number === NODE.domain) words.domain = await textOf(file, field);
    else if (field.number === NODE.attribute) {
      const { attribute, values } = await readAttribute(file, messageOf(file, field, message));
      attributes.push(attribute);
      if (values.length > 0) numbers.set(attribute.name, values);
    }
    if (inputs!.length + outputs!.length > MAX_VALUES || attributes.length > MAX_ATTRIBUTES)
      throw protoFault(
        file,
        field.at,
        `is one of too many fields, expected at most ${MAX_VALUES} values and ${MAX_ATTRIBUTES} attributes`,
      );
  }
  const domain = words.domain === "ai.onnx" ? "" : words.domain;
  const node = { ...words, message, domain, inputs: inputs!, outputs: outputs!, numbers, bodies: new Map() };
  return { node, attributes };
}

async function readAttribute(
  file: ProtoFile,
  message: ProtoMessage,
): Promise<{ attribute: NodeAttribute; values: (number | undefined)[] }> {
  let name = "";
  const [graphs, tensors]: ProtoField[][] = [[], []];
  const values: (number | undefined)[] = [];
  const single = new Set<number>();
  let isReference = false;
  for await (const field of fieldsOf(file, message)) {
    const { number, wire, from, until } = field;
    if (number === ATTRIBUTE.tensor || number === ATTRIBUTE.graph) {
      // Protobuf would merge the two.
      if (single.has(number)) throw protoFault(file, field.at, "is a second value of an attribute, expected one");
      single.add(number);
    }
    if (number === ATTRIBUTE.name) name = await textOf(file, field);
    else if (number === ATTRIBUTE.reference) isReference = until > from;
    else if (number === ATTRIBUTE.graph || number === ATTRIBUTE.graphs) graphs!.push(field);
    else if (number === ATTRIBUTE.tensor || number === ATTRIBUTE.tensors) tensors!.push(field);
    else if (number === ATTRIBUTE.int) values.push(countOf(file, field));
    else if (
      number === ATTRIBUTE.ints &&
      (wire !== BYTES || until - from <= MAX_LIST_BYTES) &&
      values.length < MAX_LIST_BYTES
    )
      await pushCounts(file, field, values, 2 * MAX_LIST_BYTES);
  }
  return { attribute: { name, message, graphs: graphs!, tensors: tensors!, isReference }, values };
}
