/** NumPy's type codes (`<f4`, `|u1`, `>i8`) as dtypes, and back. */

import { describe } from "../../base/describe.ts";
import { DTYPES, type Dtype, isDtype } from "../../base/dtype.ts";

/** By kind and bytes, without the byte order. */
const CODES: Readonly<Record<string, Dtype>> = {
  b1: "BOOL",
  u1: "U8",
  i1: "I8",
  u2: "U16",
  i2: "I16",
  u4: "U32",
  i4: "I32",
  u8: "U64",
  i8: "I64",
  f2: "F16",
  f4: "F32",
  f8: "F64",
  c8: "C64",
};

/** Text, objects (which are pickles), dates, records: no weights, so they are left alone. */
const NO_NUMBERS = /^\[|^[<>|=]?([OUSaMm])/;

/** What a type code means: a dtype, or something that is no number, or why it cannot be read. */
export type NpyType =
  | { readonly dtype: Dtype; readonly isBig: boolean }
  | { readonly skipped: string }
  | { readonly fault: string };

/** Codes of no known type (`V2`: two bytes) whose dtype the user gave. */
export type Assumed = ReadonlyMap<string, Dtype>;

/**
 * Parses what is assumed of codes: `V2=bf16`, several with commas.
 *
 * @throws {RangeError} for other text, or a dtype of another width
 *
 * @example
 * parseAssumed("V2=bf16"); // Map { "V2" → "BF16" }
 */
export function parseAssumed(text: string | undefined): Assumed {
  const assumed = new Map<string, Dtype>();
  for (const part of text === undefined ? [] : text.split(",")) {
    const [, code, word] = /^\s*([Vf][1-8])\s*=\s*(\w+)\s*$/.exec(part) ?? [];
    const dtype = word?.toUpperCase();
    if (code === undefined || !isDtype(dtype) || DTYPES[dtype].bits !== 8 * Number(code[1]))
      throw new RangeError(`assume ${describe(part)}, expected a code of NumPy and a dtype as wide, such as V2=bf16`);
    assumed.set(code, dtype);
  }
  return assumed;
}

/** What `descr` of a header means. */
export function npyType(descr: string, assumed: Assumed): NpyType {
  if (NO_NUMBERS.test(descr)) return { skipped: descr.startsWith("[") ? "records" : descr };
  const [, order, code] = /^([<>|=]?)([a-zA-Z]\d{1,4})$/.exec(descr) ?? [];
  const dtype =
    code === undefined ? undefined : (assumed.get(code) ?? (Object.hasOwn(CODES, code) ? CODES[code] : undefined));
  if (dtype !== undefined) return { dtype, isBig: order === ">" && !code!.endsWith("1") };
  const hint = code === "V2" ? ": if it is bfloat16, say so (--assume V2=bf16, option assume)" : "";
  return { fault: `has dtype ${describe(descr)}, expected numbers of up to 64 bits${hint}` };
}

/** The code of a dtype; undefined for one that NumPy does not have. */
export function npyDescr(dtype: Dtype): string | undefined {
  const code = Object.keys(CODES).find((key) => CODES[key] === dtype);
  return code === undefined ? undefined : `${DTYPES[dtype].bits === 8 ? "|" : "<"}${code}`;
}
