/** The values of small constants, which decide shapes and axes. */

import type { Dtype } from "../../../base/dtype.ts";
import type { ConstantValue } from "../../../graph/operators.ts";

/** Integers and booleans are read up to that many: shapes, axes, indices. */
const MAX_INTEGERS = 4096;
/** Floats, up to that many: scales of a resize, a factor, an epsilon. */
const MAX_FLOATS = 64;

type Read = (view: DataView, at: number) => number;

const READERS: Readonly<Partial<Record<Dtype, readonly [kind: ConstantValue["dtype"], width: number, read: Read]>>> = {
  F32: ["float", 4, (view, at) => view.getFloat32(at, true)],
  F64: ["float", 8, (view, at) => view.getFloat64(at, true)],
  I64: ["int", 8, (view, at) => view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true)],
  U64: ["int", 8, (view, at) => view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true)],
  I32: ["int", 4, (view, at) => view.getInt32(at, true)],
  U32: ["int", 4, (view, at) => view.getUint32(at, true)],
  I16: ["int", 2, (view, at) => view.getInt16(at, true)],
  U16: ["int", 2, (view, at) => view.getUint16(at, true)],
  I8: ["int", 1, (view, at) => view.getInt8(at)],
  U8: ["int", 1, (view, at) => view.getUint8(at)],
  BOOL: ["bool", 1, (view, at) => (view.getUint8(at) === 0 ? 0 : 1)],
};

/** True for a tensor whose values are read. */
export function isSmall(dtype: Dtype, shape: readonly number[]): boolean {
  const reader = READERS[dtype];
  const count = shape.reduce((product, size) => product * size, 1);
  return reader !== undefined && count <= (reader[0] === "float" ? MAX_FLOATS : MAX_INTEGERS);
}

/** The values of little-endian bytes, for which `isSmall` is true. */
export function constantOf(dtype: Dtype, shape: readonly number[], bytes: Uint8Array): ConstantValue {
  const [kind, width, read] = READERS[dtype]!;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = Array.from({ length: bytes.length / width }, (_, i) => read(view, i * width));
  return { dtype: kind, shape, values };
}
