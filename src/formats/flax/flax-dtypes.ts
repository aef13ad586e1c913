/** NumPy's names of types, with those of ml_dtypes, as dtypes. */

import type { Dtype } from "../../base/dtype.ts";

const TYPES: ReadonlyMap<string, Dtype> = new Map([
  ["bool", "BOOL"],
  ["int8", "I8"],
  ["int16", "I16"],
  ["int32", "I32"],
  ["int64", "I64"],
  ["uint8", "U8"],
  ["uint16", "U16"],
  ["uint32", "U32"],
  ["uint64", "U64"],
  ["float16", "F16"],
  ["bfloat16", "BF16"],
  ["float32", "F32"],
  ["float64", "F64"],
  ["complex64", "C64"],
  ["float8_e4m3fn", "F8_E4M3"],
  ["float8_e5m2", "F8_E5M2"],
  ["float8_e4m3fnuz", "F8_E4M3FNUZ"],
  ["float8_e5m2fnuz", "F8_E5M2FNUZ"],
  ["float8_e8m0fnu", "F8_E8M0"],
]);

export const flaxDtype = (name: string): Dtype | undefined => TYPES.get(name);

/** True for types whose values have no units: text, objects, dates. */
export const isNoNumber = (name: string): boolean => /^(str|bytes|object|void|datetime|timedelta)/.test(name);
