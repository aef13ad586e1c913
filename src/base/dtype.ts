/** Element types of tensors: the names and sizes of the safetensors format. */

/**
 * What a value of a dtype is: a float that can be blended, or something that is only ever copied or, unless packed,
 * moved.
 */
export type DtypeKind = "float" | "integer" | "bool" | "packed" | "complex" | "opaque";

/** `bits` per element; `kind` decides whether a tensor votes (floats only) and whether it is blended. */
export interface DtypeInfo {
  readonly bits: number;
  readonly kind: DtypeKind;
}

/** The name of a dtype, as safetensors writes it. */
export type Dtype =
  | "BOOL"
  | "F4"
  | "F6_E2M3"
  | "F6_E3M2"
  | "U8"
  | "I8"
  | "F8_E5M2"
  | "F8_E4M3"
  | "F8_E8M0"
  | "F8_E4M3FNUZ"
  | "F8_E5M2FNUZ"
  | "I16"
  | "U16"
  | "F16"
  | "BF16"
  | "I32"
  | "U32"
  | "F32"
  | "C64"
  | "F64"
  | "I64"
  | "U64";

/** Every dtype of safetensors. F4 and F6 pack several elements into shared bytes, so their elements cannot be moved. */
export const DTYPES: Readonly<Record<Dtype, DtypeInfo>> = {
  BOOL: { bits: 8, kind: "bool" },
  F4: { bits: 4, kind: "packed" },
  F6_E2M3: { bits: 6, kind: "packed" },
  F6_E3M2: { bits: 6, kind: "packed" },
  U8: { bits: 8, kind: "integer" },
  I8: { bits: 8, kind: "integer" },
  F8_E5M2: { bits: 8, kind: "float" },
  F8_E4M3: { bits: 8, kind: "float" },
  F8_E8M0: { bits: 8, kind: "packed" },
  F8_E4M3FNUZ: { bits: 8, kind: "opaque" },
  F8_E5M2FNUZ: { bits: 8, kind: "opaque" },
  I16: { bits: 16, kind: "integer" },
  U16: { bits: 16, kind: "integer" },
  F16: { bits: 16, kind: "float" },
  BF16: { bits: 16, kind: "float" },
  I32: { bits: 32, kind: "integer" },
  U32: { bits: 32, kind: "integer" },
  F32: { bits: 32, kind: "float" },
  C64: { bits: 64, kind: "complex" },
  F64: { bits: 64, kind: "float" },
  I64: { bits: 64, kind: "integer" },
  U64: { bits: 64, kind: "integer" },
};

/** True when `name` is a dtype of safetensors. */
export function isDtype(name: unknown): name is Dtype {
  return typeof name === "string" && Object.hasOwn(DTYPES, name);
}

/** True for dtypes whose values are floating-point numbers that can be compared and blended. */
export function isFloat(dtype: Dtype): boolean {
  return DTYPES[dtype].kind === "float";
}

/** Bytes of one element. Throws `RangeError` for dtypes whose elements are no whole number of bytes. */
export function elementBytes(dtype: Dtype): number {
  const { bits } = DTYPES[dtype];
  if (bits % 8 !== 0) throw new RangeError(`${dtype} has ${bits} bits an element, expected whole bytes`);
  return bits / 8;
}
