/** Types of numbers and other things in HDF5 files, as dtypes. */

import type { Dtype } from "../../base/dtype.ts";
import type { Hdf5Part } from "./hdf5-bytes.ts";

/** What elements are: numbers of a dtype, text, or something else that has a name for people. */
export type Hdf5Type =
  | { readonly kind: "number"; readonly dtype: Dtype; readonly size: number; readonly isBig: boolean }
  /** Fixed length, or in a heap. `size` is that of an element in the dataset. */
  | { readonly kind: "text"; readonly size: number; readonly isVariable: boolean }
  | { readonly kind: "opaque"; readonly size: number }
  | { readonly kind: "other"; readonly size: number; readonly what: string; readonly isNumeric: boolean };

/** Compounds of arrays of compounds: real ones have two or three. */
const MAX_DEPTH = 8;
const MAX_MEMBERS = 4096;
const MAX_AXES = 32;

const INTEGERS: Readonly<Record<string, Dtype>> = {
  u1: "U8",
  i1: "I8",
  u2: "U16",
  i2: "I16",
  u4: "U32",
  i4: "I32",
  u8: "U64",
  i8: "I64",
};

/** Sign's place, exponent's place and size, fraction's size, and bias: as IEEE 754 and bfloat16 have them. */
const FLOATS: Readonly<Record<string, Dtype>> = {
  "2:15,10,5,0,10,15": "F16",
  "2:15,7,8,0,7,127": "BF16",
  "4:31,23,8,0,23,127": "F32",
  "8:63,52,11,0,52,1023": "F64",
};

/** Reads a datatype message, or a part of one. */
export function readDatatype(part: Hdf5Part, depth = 0): Hdf5Type {
  if (depth > MAX_DEPTH) throw part.fault(`has types ${depth} deep, expected at most ${MAX_DEPTH}`);
  const head = part.u8();
  const [version, kind] = [head >> 4, head & 15];
  const bits = part.take(3);
  const size = part.u32();
  if (version < 1 || version > 5) throw part.fault(`has a type of version ${version}, expected 1 to 5`);
  const other = (what: string, isNumeric = true): Hdf5Type => ({ kind: "other", size, what, isNumeric });
  switch (kind) {
    case 0:
      return readInteger(part, bits, size);
    case 1:
      return readFloat(part, bits, size);
    case 3:
      return { kind: "text", size, isVariable: false };
    case 5:
      part.skip(bits[0]!);
      return { kind: "opaque", size };
    case 6:
      return readCompound(part, version, bits, size, depth);
    case 7:
      return other("references", false);
    case 8:
      return readEnum(part, version, bits, size, depth);
    case 9:
      readDatatype(part, depth + 1);
      return (bits[0]! & 15) === 1 ? { kind: "text", size, isVariable: true } : other("lists of any length");
    case 10:
      return readArray(part, version, size, depth);
    default:
      return other(["", "", "times", "", "bit fields"][kind] || `type ${kind} of HDF5`);
  }
}

function readInteger(part: Hdf5Part, bits: Uint8Array, size: number): Hdf5Type {
  const [start, precision] = [part.u16(), part.u16()];
  const dtype = INTEGERS[`${bits[0]! & 8 ? "i" : "u"}${size}`];
  if (dtype === undefined || start !== 0 || precision !== 8 * size)
    return { kind: "other", size, what: `integers of ${precision} bits`, isNumeric: true };
  return { kind: "number", dtype, size, isBig: size > 1 && (bits[0]! & 1) === 1 };
}

function readFloat(part: Hdf5Part, bits: Uint8Array, size: number): Hdf5Type {
  const [start, precision] = [part.u16(), part.u16()];
  const places = [bits[1]!, part.u8(), part.u8(), part.u8(), part.u8(), part.u32()];
  const dtype = FLOATS[`${size}:${places.join()}`];
  // Bit 6 beside bit 0 is VAX order; a fraction's first 1 is not stored (2) in all of these.
  const isPlain = start === 0 && precision === 8 * size && (bits[0]! & 0x7e) === 0x20;
  if (dtype === undefined || !isPlain)
    return {
      kind: "other",
      size,
      what: `floats of ${precision} bits in another form than IEEE 754's`,
      isNumeric: true,
    };
  return { kind: "number", dtype, size, isBig: (bits[0]! & 1) === 1 };
}

/** Text up to a zero byte; in old versions padded to a multiple of eight. */
function memberName(part: Hdf5Part, version: number): string {
  const rest = part.bytes.subarray(part.at);
  const length = rest.indexOf(0);
  if (length < 0) throw part.fault("has a name without an end, expected a zero byte");
  const text = new TextDecoder().decode(Uint8Array.from(rest.subarray(0, length)));
  part.skip(version < 3 ? Math.ceil((length + 1) / 8) * 8 : length + 1);
  return text;
}

/** Of two floats `r` and `i` it is a complex number, as h5py writes it. */
function readCompound(part: Hdf5Part, version: number, bits: Uint8Array, size: number, depth: number): Hdf5Type {
  const count = bits[0]! + 256 * bits[1]!;
  if (count > MAX_MEMBERS) throw part.fault(`has ${count} members, expected at most ${MAX_MEMBERS}`);
  const members: string[] = [];
  let isNumeric = false;
  for (let i = 0; i < count; i++) {
    const name = memberName(part, version);
    const offset = part.number(version < 3 ? 4 : Math.max(1, Math.ceil(Math.log2(size + 1) / 8)));
    let isList = false;
    if (version === 1) {
      isList = part.u8() !== 0;
      part.skip(27);
    }
    const type = readDatatype(part, depth + 1);
    isNumeric ||= type.kind === "number" || type.kind === "opaque" || (type.kind === "other" && type.isNumeric);
    members.push(
      `${name} ${offset} ${type.kind === "number" && !isList ? `${type.dtype}${type.isBig ? " big" : ""}` : "?"}`,
    );
  }
  const [real, imaginary] = members;
  if (count === 2 && size === 8 && real === "r 0 F32" && imaginary === "i 4 F32")
    return { kind: "number", dtype: "C64", size, isBig: false };
  const isComplex = count === 2 && real?.startsWith("r ") === true && imaginary?.startsWith("i ") === true;
  return { kind: "other", size, what: isComplex ? "complex numbers" : "records", isNumeric };
}

/** Truth values are numbers with the names FALSE and TRUE. */
function readEnum(part: Hdf5Part, version: number, bits: Uint8Array, size: number, depth: number): Hdf5Type {
  const count = bits[0]! + 256 * bits[1]!;
  const base = readDatatype(part, depth + 1);
  const names = Array.from({ length: count }, () => memberName(part, version));
  const values = part.take(count * base.size);
  if (base.kind === "number" && size === 1 && names.join() === "FALSE,TRUE" && values.join() === "0,1")
    return { kind: "number", dtype: "BOOL", size, isBig: false };
  return { kind: "other", size, what: "named values", isNumeric: false };
}

function readArray(part: Hdf5Part, version: number, size: number, depth: number): Hdf5Type {
  const axes = part.u8();
  if (axes > MAX_AXES) throw part.fault(`has ${axes} axes, expected at most ${MAX_AXES}`);
  if (version < 3) part.skip(3 + 4 * axes);
  part.skip(4 * axes);
  const base = readDatatype(part, depth + 1);
  const isNumeric = base.kind === "number" || (base.kind === "other" && base.isNumeric);
  return { kind: "other", size, what: "arrays", isNumeric };
}
