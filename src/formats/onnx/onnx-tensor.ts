/** TensorProto: the tensor's name, dtype and shape, and where the tensor's bytes are. */

import { describe } from "../../base/describe.ts";
import type { Dtype } from "../../base/dtype.ts";
import { tensorBytes } from "../../base/tensor-bytes.ts";
import { NUMBER_FIELDS, type NumberField, numberFieldOf, onnxType } from "./onnx-dtypes.ts";
import {
  BYTES,
  countOf,
  fieldsOf,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
  protoFault,
  pushCounts,
  textOf,
} from "./protobuf.ts";

/** Where a tensor's bytes are. */
export type TensorPlace =
  /** In the file as they are. */
  | { readonly kind: "raw"; readonly offset: number }
  /** One by one in fields of a message. */
  | { readonly kind: "numbers"; readonly message: ProtoMessage; readonly field: NumberField }
  /** In a file beside it, as they are. */
  | { readonly kind: "external"; readonly path: string; readonly offset: number };

export interface OnnxTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly byteLength: number;
  readonly place: TensorPlace;
}

/** A TensorProto: with a reason in place of the tensor where it holds nothing that has a dtype here. */
export interface ReadTensor {
  readonly name: string;
  readonly tensor: OnnxTensor | { readonly leftOut: string };
}

const MAX_DIMENSIONS = 32;
/** `external_data` has five known keys. */
const MAX_EXTERNAL_ENTRIES = 16;

/** Fields of TensorProto. */
const [DIMS, DATA_TYPE, SEGMENT, NAME, RAW_DATA, EXTERNAL_DATA, DATA_LOCATION] = [1, 2, 3, 8, 9, 13, 14];

/** The fields in their order. */
interface Found {
  name: string;
  readonly dims: (number | undefined)[];
  type: number | undefined;
  raw: ProtoField | undefined;
  /** Bytes of the fields of numbers, by field. */
  readonly numbers: Map<number, number>;
  readonly external: Map<string, string>;
  isExternal: boolean;
}

/** Reads a TensorProto. Throws `FormatError` for what is malformed. */
export async function readTensor(file: ProtoFile, message: ProtoMessage): Promise<ReadTensor> {
  const found: Found = {
    name: "",
    dims: [],
    type: undefined,
    raw: undefined,
    numbers: new Map(),
    external: new Map(),
    isExternal: false,
  };
  for await (const field of fieldsOf(file, message)) await take(file, found, field, message);
  const where = `tensor ${describe(found.name)}`;
  const type = found.type === undefined ? undefined : onnxType(found.type);
  if (type === undefined)
    throw protoFault(file, message.from, `${where} has data_type ${found.type ?? "none"}, expected one of ONNX's`);
  const { dtype } = type;
  if (dtype === undefined) return { name: found.name, tensor: { leftOut: type.name } };
  const shape = found.dims.map((size) => {
    if (size !== undefined) return size;
    throw protoFault(file, message.from, `${where} has a size below 0 or of 2^53 or more, expected sizes`);
  });
  const byteLength = tensorBytes({ dtype, shape }, (what) => protoFault(file, message.from, `${where} ${what}`));
  return {
    name: found.name,
    tensor: { dtype, shape, byteLength, place: placeOf(file, found, message, dtype, byteLength) },
  };
}

async function take(file: ProtoFile, found: Found, field: ProtoField, message: ProtoMessage): Promise<void> {
  const { number, at, from, until } = field;
  if (number === DIMS) await pushCounts(file, field, found.dims, MAX_DIMENSIONS);
  else if (number === DATA_TYPE) found.type = countOf(file, field);
  else if (number === NAME) found.name = await textOf(file, field);
  else if (number === SEGMENT) throw protoFault(file, at, "is a segment of a tensor, expected whole tensors");
  else if (number === RAW_DATA) {
    if (field.wire !== BYTES || found.raw !== undefined)
      throw protoFault(file, at, "is raw_data that is twice there or no bytes, expected it once");
    found.raw = field;
  } else if (number === DATA_LOCATION) found.isExternal = countOf(file, field) === 1;
  else if (number === EXTERNAL_DATA) await takeExternal(file, found, field, message);
  else if (NUMBER_FIELDS.includes(number)) found.numbers.set(number, (found.numbers.get(number) ?? 0) + until - from);
}

async function takeExternal(
  file: ProtoFile,
  { external }: Found,
  field: ProtoField,
  parent: ProtoMessage,
): Promise<void> {
  const [key, value] = await readEntry(file, field, parent);
  if (external.size >= MAX_EXTERNAL_ENTRIES || external.has(key))
    throw protoFault(file, field.at, `is external_data ${describe(key)}, expected each of a few keys once`);
  external.set(key, value);
}

/** A StringStringEntryProto: key and value. */
export async function readEntry(
  file: ProtoFile,
  field: ProtoField,
  parent: ProtoMessage,
): Promise<readonly [string, string]> {
  if (field.wire !== BYTES) throw protoFault(file, field.at, `has wire type ${field.wire}, expected a message`);
  const entry = { lengthAt: field.lengthAt, from: field.from, until: field.until, depth: parent.depth + 1, parent };
  let [key, value] = ["", ""];
  for await (const part of fieldsOf(file, entry)) {
    if (part.number === 1) key = await textOf(file, part);
    else if (part.number === 2) value = await textOf(file, part);
  }
  return [key, value];
}

function placeOf(
  file: ProtoFile,
  { name, raw, numbers, external, isExternal }: Found,
  message: ProtoMessage,
  dtype: Dtype,
  byteLength: number,
): TensorPlace {
  const fault = (what: string) => protoFault(file, message.from, `tensor ${describe(name)} ${what}`);
  const field = numberFieldOf(dtype);
  const others = [...numbers.keys()].filter((number) => number !== field.number || raw !== undefined || isExternal);
  if (others.length > 0 || (raw !== undefined && isExternal))
    throw fault(`has its data in several fields (${[...numbers.keys()]}), expected one that fits its type`);
  if (isExternal) return externalPlace(fault, external, byteLength);
  if (raw !== undefined) {
    const bytes = raw.until - raw.from;
    if (bytes !== byteLength) throw fault(`has ${bytes} bytes of raw_data, expected ${byteLength}`);
    return { kind: "raw", offset: raw.from };
  }
  // Each number takes a byte or more: what is read later is no more than the file has.
  const stored = numbers.get(field.number) ?? 0;
  if (stored < byteLength / 8) throw fault(`has ${stored} bytes of data, expected ${byteLength}`);
  return { kind: "numbers", message, field };
}

function externalPlace(
  fault: (what: string) => Error,
  external: ReadonlyMap<string, string>,
  byteLength: number,
): TensorPlace {
  const path = external.get("location");
  if (path === undefined || path === "") throw fault("is in another file without a location, expected one");
  const [offset, length] = ["offset", "length"].map((key) => {
    const text = external.get(key);
    if (text === undefined) return undefined;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value)) throw fault(`has ${key} ${describe(text)}, expected a whole number`);
    return value;
  });
  if (length !== undefined && length !== byteLength)
    throw fault(`has ${length} bytes in ${describe(path)}, expected ${byteLength}`);
  return { kind: "external", path, offset: offset ?? 0 };
}
