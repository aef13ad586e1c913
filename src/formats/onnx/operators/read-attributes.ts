/** AttributeProto with its value, as operators need it. */

import type { AttributeValue } from "../../../graph/operators.ts";
import type { GraphNode } from "../onnx-node.ts";
import {
  BYTES,
  FIXED32,
  fieldsOf,
  messageOf,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
  protoFault,
  readVarint,
  textOf,
  VARINT,
} from "../protobuf.ts";

/** A value, or where a tensor or graphs are. */
export type Attribute =
  | { readonly kind: "value"; readonly value: AttributeValue }
  | { readonly kind: "tensor"; readonly message: ProtoMessage }
  | { readonly kind: "other" }
  /** The value of an attribute of the function around the node. */
  | { readonly kind: "reference"; readonly of: string };

/** Attributes by name. */
export type Attributes = ReadonlyMap<string, Attribute>;

/** Fields of NodeProto and AttributeProto. */
const [NODE_ATTRIBUTE, NODE_OVERLOAD] = [5, 8];
const FIELD = { name: 1, float: 2, int: 3, text: 4, tensor: 5, floats: 7, ints: 8, texts: 9, type: 20, reference: 21 };
/** AttributeProto.type of values. */
const TYPES: readonly (readonly [type: number, field: number])[] = [
  [1, FIELD.float],
  [2, FIELD.int],
  [3, FIELD.text],
  [4, FIELD.tensor],
  [6, FIELD.floats],
  [7, FIELD.ints],
  [8, FIELD.texts],
];
/** Longer lists are no axes, sizes or pads. */
const MAX_LIST = 4096;

/** All attributes of a node, and which overload of a function it calls. Throws `FormatError` for what is malformed. */
export async function readAttributes(
  file: ProtoFile,
  { message }: Pick<GraphNode, "message">,
): Promise<{ attributes: Attributes; overload: string }> {
  const attributes = new Map<string, Attribute>();
  let overload = "";
  for await (const field of fieldsOf(file, message)) {
    if (field.number === NODE_OVERLOAD) overload = await textOf(file, field);
    if (field.number !== NODE_ATTRIBUTE) continue;
    const [name, attribute] = await readAttribute(file, messageOf(file, field, message));
    attributes.set(name, attribute);
  }
  return { attributes, overload };
}

/** What the fields of one attribute hold. */
interface Held {
  readonly numbers: Map<number, number[]>;
  readonly texts: string[];
  tensor: ProtoField | undefined;
  type: number | undefined;
}

/** One AttributeProto: its name and value. */
export async function readAttribute(file: ProtoFile, message: ProtoMessage): Promise<[string, Attribute]> {
  let [name, of] = ["", ""];
  const held: Held = { numbers: new Map(), texts: [], tensor: undefined, type: undefined };
  for await (const field of fieldsOf(file, message)) {
    const { number } = field;
    if (number === FIELD.name) name = await textOf(file, field);
    else if (number === FIELD.reference) of = await textOf(file, field);
    else if (number === FIELD.text || number === FIELD.texts) held.texts.push(await shortText(file, field));
    else if (number === FIELD.tensor) held.tensor = field;
    else if (number === FIELD.type) held.type = (await numbersOf(file, field))[0];
    else if (number === FIELD.float || number === FIELD.int || number === FIELD.floats || number === FIELD.ints) {
      const list = held.numbers.get(number) ?? [];
      if (list.length <= MAX_LIST) list.push(...(await numbersOf(file, field)));
      held.numbers.set(number, list);
    }
    if (held.texts.length > MAX_LIST) throw protoFault(file, field.at, `is text ${MAX_LIST + 1}, expected fewer`);
  }
  return [name, of === "" ? attributeOf(file, message, held) : { kind: "reference", of }];
}

/** Without a type, as the oldest files are, the field that is there decides. */
function attributeOf(file: ProtoFile, message: ProtoMessage, { numbers, texts, tensor, type }: Held): Attribute {
  const guessed = tensor !== undefined ? FIELD.tensor : texts.length > 0 ? FIELD.text : [...numbers.keys()][0];
  const field = type === undefined ? guessed : TYPES.find(([code]) => code === type)?.[1];
  const value = (value: AttributeValue): Attribute => ({ kind: "value", value });
  switch (field) {
    case FIELD.float:
    case FIELD.int:
      // Zero may be left out.
      return value(numbers.get(field)?.at(-1) ?? 0);
    case FIELD.text:
      return value(texts.at(-1) ?? "");
    case FIELD.floats:
    case FIELD.ints: {
      const list = numbers.get(field) ?? [];
      return list.length > MAX_LIST ? { kind: "other" } : value(list);
    }
    case FIELD.texts:
      return value(texts);
    case FIELD.tensor:
      if (tensor === undefined) throw protoFault(file, message.from, "is an attribute without its tensor, expected it");
      return { kind: "tensor", message: messageOf(file, tensor, message) };
    default:
      return { kind: "other" };
  }
}

/** Texts of attributes are bytes; long ones are data that nothing here needs. */
async function shortText(file: ProtoFile, field: ProtoField): Promise<string> {
  if (field.wire !== BYTES) throw protoFault(file, field.at, `has wire type ${field.wire}, expected text`);
  const bytes = await file.source.slice(field.from, Math.min(field.until, field.from + MAX_LIST), file.signal);
  return new TextDecoder().decode(bytes);
}

/** The numbers of a field: one or a packed list, of floats or signed integers. */
async function numbersOf(file: ProtoFile, { wire, number, at, from, until, low, high }: ProtoField): Promise<number[]> {
  const isFloat = number === FIELD.float || number === FIELD.floats;
  if (wire === VARINT && !isFloat) return [signed(low, high)];
  if (wire !== BYTES && !(isFloat && wire === FIXED32))
    throw protoFault(file, at, `has wire type ${wire}, expected ${isFloat ? "floats" : "integers"}`);
  const bytes = await file.source.slice(from, Math.min(until, from + 10 * (MAX_LIST + 1)), file.signal);
  const numbers: number[] = [];
  if (isFloat) {
    if ((until - from) % 4 !== 0) throw protoFault(file, at, "has floats of no whole number of 4 bytes, expected some");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let next = 0; next + 4 <= bytes.length; next += 4) numbers.push(view.getFloat32(next, true));
    return numbers;
  }
  for (let next = 0; next < bytes.length && numbers.length <= MAX_LIST; ) {
    const value = readVarint(bytes, next);
    if (value === undefined) throw protoFault(file, from + next, "is no varint of 64 bits, expected one");
    numbers.push(signed(value.low, value.high));
    next = value.next;
  }
  return numbers;
}

/** Of two halves, as two's complement. */
const signed = (low: number, high: number): number => (high | 0) * 2 ** 32 + low;
