/** The inputs and outputs of a GraphProto (ValueInfoProto), and those of a FunctionProto. */

import { FormatError } from "../../../base/errors.ts";
import type { OperatorInput } from "../../../graph/operators.ts";
import { onnxType } from "../onnx-dtypes.ts";
import {
  countOf,
  fieldsOf,
  messageOf,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
  protoFault,
  textOf,
} from "../protobuf.ts";
import { type Attributes, readAttribute } from "./read-attributes.ts";

/** Inputs with their types, where the file has them, and names of outputs. */
export interface GraphInterface {
  readonly inputs: readonly OperatorInput[];
  readonly outputs: readonly string[];
}

const GRAPH = { input: 11, output: 12 };
const FUNCTION = { name: 1, input: 4, output: 5, opset: 9, domain: 10, defaults: 11, overload: 13 };
const MAX_VALUES = 1_000_000;
const MAX_DIMENSIONS = 32;

export async function readGraphInterface(file: ProtoFile, message: ProtoMessage): Promise<GraphInterface> {
  const inputs: OperatorInput[] = [];
  const outputs: string[] = [];
  for await (const field of fieldsOf(file, message)) {
    if (field.number === GRAPH.input) inputs.push(await readValueInfo(file, messageOf(file, field, message)));
    else if (field.number === GRAPH.output)
      outputs.push((await readValueInfo(file, messageOf(file, field, message))).name);
    if (inputs.length + outputs.length > MAX_VALUES)
      throw protoFault(file, field.at, `is one of more than ${MAX_VALUES} inputs and outputs, expected fewer`);
  }
  return { inputs, outputs };
}

/** Name (1) and type (2); of a tensor's type (1 of TypeProto) the element type (1) and the shape (2). */
async function readValueInfo(file: ProtoFile, message: ProtoMessage): Promise<OperatorInput> {
  let name = "";
  let dtype: string | undefined;
  let stated: Pick<OperatorInput, "shape" | "symbols"> = {};
  for await (const field of fieldsOf(file, message)) {
    if (field.number === 1) name = await textOf(file, field);
    if (field.number !== 2) continue;
    const type = messageOf(file, field, message);
    for await (const kind of fieldsOf(file, type)) {
      if (kind.number !== 1) continue;
      const tensor = messageOf(file, kind, type);
      for await (const part of fieldsOf(file, tensor)) {
        const found = part.number === 1 ? onnxType(countOf(file, part) ?? 0) : undefined;
        if (found !== undefined) dtype = found.dtype ?? found.name;
        if (part.number === 2) stated = await readShape(file, messageOf(file, part, tensor));
      }
    }
  }
  return { name, dtype, ...stated };
}

/** Names that exporters give what they do not know: two sizes with one of them need not be equal. */
const NO_NAME = /^(|\?|-1|none|null|unk(nown)?|dynamic|\*)$/i;

/** Dimensions (1): a size (1), or a name (2) for what is not known. Sizes of 0 and below are written for that, too. */
async function readShape(file: ProtoFile, message: ProtoMessage): Promise<Pick<OperatorInput, "shape" | "symbols">> {
  const shape: (number | undefined)[] = [];
  const symbols: (string | undefined)[] = [];
  for await (const field of fieldsOf(file, message)) {
    if (field.number !== 1) continue;
    let size: number | undefined;
    let symbol = "";
    for await (const part of fieldsOf(file, messageOf(file, field, message)))
      if (part.number === 1) size = countOf(file, part) || undefined;
      else if (part.number === 2) symbol = await textOf(file, part);
    shape.push(size);
    symbols.push(size !== undefined || NO_NAME.test(symbol) ? undefined : symbol);
    if (shape.length > MAX_DIMENSIONS)
      throw protoFault(file, field.at, `is dimension ${shape.length}, expected at most ${MAX_DIMENSIONS}`);
  }
  return symbols.some((symbol) => symbol !== undefined) ? { shape, symbols } : { shape };
}

/** The head of a FunctionProto. */
export interface FunctionHead {
  readonly key: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly defaults: Attributes;
  /** Of ONNX's own operators; undefined for the model's. */
  readonly opset: number | undefined;
}

/** What calls and functions are matched by. */
export const functionKey = (domain: string, name: string, overload: string): string =>
  `${domain}\u0000${name}\u0000${overload}`;

export async function readFunctionHead(file: ProtoFile, message: ProtoMessage): Promise<FunctionHead> {
  let [name, domain, overload] = ["", "", ""];
  const [inputs, outputs]: [string[], string[]] = [[], []];
  const defaults: [string, Attributes extends ReadonlyMap<string, infer A> ? A : never][] = [];
  let opset: number | undefined;
  for await (const field of fieldsOf(file, message)) {
    const { number } = field;
    if (number === FUNCTION.name) name = await textOf(file, field);
    else if (number === FUNCTION.domain) domain = await textOf(file, field);
    else if (number === FUNCTION.overload) overload = await textOf(file, field);
    else if (number === FUNCTION.input) inputs.push(await textOf(file, field));
    else if (number === FUNCTION.output) outputs.push(await textOf(file, field));
    else if (number === FUNCTION.defaults) defaults.push(await readAttribute(file, messageOf(file, field, message)));
    else if (number === FUNCTION.opset) opset = (await ownOpset(file, field, message)) ?? opset;
  }
  const own = domain === "ai.onnx" ? "" : domain;
  return { key: functionKey(own, name, overload), inputs, outputs, defaults: new Map(defaults), opset };
}

/** The version of an OperatorSetIdProto of ONNX's own operators. */
async function ownOpset(file: ProtoFile, field: ProtoField, parent: ProtoMessage): Promise<number | undefined> {
  let [domain, version]: [string, number | undefined] = ["", undefined];
  for await (const part of fieldsOf(file, messageOf(file, field, parent))) {
    if (part.number === 1) domain = await textOf(file, part);
    else if (part.number === 2) version = countOf(file, part);
  }
  return domain === "" || domain === "ai.onnx" ? version : undefined;
}

/** The oldest and newest sets of operators whose meanings are known here. */
const [OLDEST, NEWEST] = [7, 26];

/** The version as a number. Throws `FormatError` for one that is not known. */
export function knownOpset(name: string, version: string | number | undefined): number {
  const number = Number(version);
  if (Number.isInteger(number) && number >= OLDEST && number <= NEWEST) return number;
  throw new FormatError(
    `${name} has operators of opset ${version ?? "none"}, expected ${OLDEST} to ${NEWEST}: export it with one of these`,
  );
}
