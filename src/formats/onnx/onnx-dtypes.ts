/**
 * ONNX's element types (onnx.proto, TensorProto.DataType) as dtypes, and which field holds them when they are not
 * raw bytes.
 */

import { DTYPES, type Dtype } from "../../base/dtype.ts";

/** `TensorProto.data_type`. Those with two names are no dtype here. */
const TYPES: readonly (readonly [name: string, dtype?: Dtype])[] = [
  ["UNDEFINED"],
  ["FLOAT", "F32"],
  ["UINT8", "U8"],
  ["INT8", "I8"],
  ["UINT16", "U16"],
  ["INT16", "I16"],
  ["INT32", "I32"],
  ["INT64", "I64"],
  ["STRING"],
  ["BOOL", "BOOL"],
  ["FLOAT16", "F16"],
  ["DOUBLE", "F64"],
  ["UINT32", "U32"],
  ["UINT64", "U64"],
  ["COMPLEX64", "C64"],
  ["COMPLEX128"],
  ["BFLOAT16", "BF16"],
  ["FLOAT8E4M3FN", "F8_E4M3"],
  ["FLOAT8E4M3FNUZ", "F8_E4M3FNUZ"],
  ["FLOAT8E5M2", "F8_E5M2"],
  ["FLOAT8E5M2FNUZ", "F8_E5M2FNUZ"],
  ["UINT4"],
  ["INT4"],
  ["FLOAT4E2M1"],
  ["FLOAT8E8M0", "F8_E8M0"],
  ["UINT2"],
  ["INT2"],
];

/** What an element type is: a dtype, or its name in ONNX where there is none; undefined for a number of no type. */
export function onnxType(code: number): { readonly name: string; readonly dtype: Dtype | undefined } | undefined {
  const found = code === 0 ? undefined : TYPES[code];
  return found && { name: found[0], dtype: found[1] };
}

/** How the numbers of a field are encoded. */
export type Encoding = "fixed32" | "fixed64" | "varint";

/** A field of numbers: of TensorProto, or of AttributeProto. */
export interface NumberField {
  readonly number: number;
  readonly encoding: Encoding;
}

const FLOAT_DATA: NumberField = { number: 4, encoding: "fixed32" };
const INT32_DATA: NumberField = { number: 5, encoding: "varint" };
const INT64_DATA: NumberField = { number: 7, encoding: "varint" };
const DOUBLE_DATA: NumberField = { number: 10, encoding: "fixed64" };
const UINT64_DATA: NumberField = { number: 11, encoding: "varint" };

/** Every field of TensorProto that holds numbers one by one. */
export const NUMBER_FIELDS: readonly number[] = [4, 5, 7, 10, 11];

/** The field in which TensorProto keeps numbers of a dtype one by one. */
export function numberFieldOf(dtype: Dtype): NumberField {
  if (dtype === "F32" || dtype === "C64") return FLOAT_DATA;
  if (dtype === "F64") return DOUBLE_DATA;
  if (dtype === "I64") return INT64_DATA;
  return dtype === "U32" || dtype === "U64" ? UINT64_DATA : INT32_DATA;
}

/** True when negative numbers of a dtype are encoded with 64 bits, as protobuf's int32 and int64 are. */
export const isSigned = (dtype: Dtype): boolean => dtype === "I8" || dtype === "I16" || dtype === "I32";

/** Bytes of an element. */
export const widthOf = (dtype: Dtype): number => DTYPES[dtype].bits / 8;
