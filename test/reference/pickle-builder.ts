/** Pickles opcode by opcode, as Python's pickler writes them in protocol 2, and as it never would. */

import { concat, utf8 } from "./safetensors-builder.ts";
import { u16, u32, u64 } from "./zip-builder.ts";

export type Opcodes = Uint8Array;

export const ops = (...bytes: number[]): Opcodes => Uint8Array.from(bytes);
export const NONE: Opcodes = ops(0x4e);
export const TRUE: Opcodes = ops(0x88);
export const FALSE: Opcodes = ops(0x89);
export const STOP: Opcodes = ops(0x2e);
export const MARK: Opcodes = ops(0x28);

export const text = (value: string): Opcodes => concat(ops(0x58), u32(utf8(value).length), utf8(value));
/** Text of Python 2. */
export const str = (value: string): Opcodes => concat(ops(0x55, value.length), utf8(value));
export const global = (module: string, name: string): Opcodes => utf8(`c${module}\n${name}\n`);
export const binget = (index: number): Opcodes => ops(0x68, index);
export const binput = (index: number): Opcodes => ops(0x71, index);

export function int(value: number): Opcodes {
  if (value >= 0 && value < 256) return ops(0x4b, value);
  if (value >= 0 && value < 65536) return concat(ops(0x4d), u16(value));
  if (Math.abs(value) < 2 ** 31) return concat(ops(0x4a), u32(value >>> 0));
  return long(BigInt(value));
}

/** LONG1, in as few bytes as hold it. */
export function long(value: bigint): Opcodes {
  const bytes: number[] = [];
  let length = 1;
  while (BigInt.asIntN(8 * length, value) !== value) length++;
  for (let i = 0; i < length; i++) bytes.push(Number((value >> BigInt(8 * i)) & 255n));
  return ops(0x8a, length, ...bytes);
}

export function float(value: number): Opcodes {
  const bytes = new Uint8Array(9);
  bytes[0] = 0x47;
  new DataView(bytes.buffer).setFloat64(1, value, false);
  return bytes;
}

export const tuple = (...items: Opcodes[]): Opcodes => concat(MARK, ...items, ops(0x74));
export const list = (...items: Opcodes[]): Opcodes => concat(ops(0x5d), MARK, ...items, ops(0x65));
export const reduce = (callable: Opcodes, ...args: Opcodes[]): Opcodes => concat(callable, tuple(...args), ops(0x52));
export const build = (object: Opcodes, state: Opcodes): Opcodes => concat(object, state, ops(0x62));
export const newObject = (cls: Opcodes): Opcodes => concat(cls, ops(0x29, 0x81));
export const persistent = (id: Opcodes): Opcodes => concat(id, ops(0x51));

export type Pairs = readonly (readonly [string | Opcodes, Opcodes])[];

const items = (pairs: Pairs): Opcodes =>
  concat(MARK, ...pairs.flatMap(([key, value]) => [typeof key === "string" ? text(key) : key, value]), ops(0x75));
export const concatOps: (...parts: Opcodes[]) => Opcodes = concat;
/** Sets items of whatever the opcodes before make. */
export const concatItems = (object: Opcodes, pairs: Pairs): Opcodes => concat(object, items(pairs));
export const dict = (pairs: Pairs): Opcodes => concat(ops(0x7d), items(pairs));
export const orderedDict = (pairs: Pairs): Opcodes =>
  concat(reduce(global("collections", "OrderedDict")), items(pairs));

/** A whole pickle. */
export const pickle = (value: Opcodes, protocol = 2): Opcodes => concat(ops(0x80, protocol), value, STOP);

/** Protocol 4: a frame, short text, memoized. */
export const framed = (value: Opcodes): Opcodes => concat(ops(0x80, 4, 0x95), u64(value.length + 1), value, STOP);
export const shortText = (value: string): Opcodes => concat(ops(0x8c, utf8(value).length), utf8(value), ops(0x94));
