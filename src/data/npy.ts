/** NumPy's .npy files (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): plain numbers, row-major. */

import { describe } from "../base/describe.ts";
import { FormatError } from "../base/errors.ts";
import { elementCount } from "../base/model.ts";
import { parseNpyHeader } from "../formats/npz/npy-header.ts";

/** One array. */
export interface NpyArray {
  /** As NumPy writes it: `|u1`, `<f4`, … */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Little-endian elements, row-major. A view of the file, perhaps unaligned. */
  readonly data: Uint8Array;
}

/** Bytes of an element. No objects (they are pickles), no strings, no other byte order. */
const SIZES: ReadonlyMap<string, number> = new Map([
  ["|b1", 1],
  ["|u1", 1],
  ["|i1", 1],
  ["<u2", 2],
  ["<i2", 2],
  ["<u4", 4],
  ["<i4", 4],
  ["<u8", 8],
  ["<i8", 8],
  ["<f2", 2],
  ["<f4", 4],
  ["<f8", 8],
]);

/**
 * Parses a .npy file. `data` is a view.
 *
 * @throws {FormatError} naming the file, for anything but numbers in row-major order and little-endian bytes, and for a
 * number of bytes that does not fit shape and dtype.
 *
 * @example
 * const { dtype, shape, data } = parseNpy(bytes, "x_test.npy");
 */
export function parseNpy(bytes: Uint8Array, name: string): NpyArray {
  const { descr: dtype, fortranOrder, shape, dataStart } = parseNpyHeader(bytes, name);
  if (!SIZES.has(dtype))
    throw new FormatError(
      `${name} dtype ${describe(dtype).slice(1, -1)}, expected one of ${[...SIZES.keys()].join(" ")}`,
    );
  if (fortranOrder) throw new FormatError(`${name} is in Fortran order, expected C order (numpy.ascontiguousarray)`);
  const data = bytes.subarray(dataStart);
  const expected = elementCount(shape) * SIZES.get(dtype)!;
  if (data.length !== expected) {
    throw new FormatError(
      `${name} holds ${data.length} bytes of data, expected ${expected} for ${dtype} [${shape.join(", ")}]`,
    );
  }
  return { dtype, shape, data };
}

/**
 * All elements as numbers (64-bit integers rounded, half floats exactly). Returns a fresh array.
 */
export function npyNumbers({ dtype, shape, data }: NpyArray): Float64Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const read = READERS.get(dtype)!;
  return Float64Array.from({ length: elementCount(shape) }, (_, i) => read(view, i));
}

const READERS: ReadonlyMap<string, (view: DataView, i: number) => number> = new Map([
  ["|b1", (view, i) => view.getUint8(i)],
  ["|u1", (view, i) => view.getUint8(i)],
  ["|i1", (view, i) => view.getInt8(i)],
  ["<u2", (view, i) => view.getUint16(2 * i, true)],
  ["<i2", (view, i) => view.getInt16(2 * i, true)],
  ["<u4", (view, i) => view.getUint32(4 * i, true)],
  ["<i4", (view, i) => view.getInt32(4 * i, true)],
  ["<u8", (view, i) => Number(view.getBigUint64(8 * i, true))],
  ["<i8", (view, i) => Number(view.getBigInt64(8 * i, true))],
  ["<f2", (view, i) => halfValue(view.getUint16(2 * i, true))],
  ["<f4", (view, i) => view.getFloat32(4 * i, true)],
  ["<f8", (view, i) => view.getFloat64(8 * i, true)],
]);

/** The value of an IEEE half: sign, 5 bits of exponent (bias 15), 10 bits of fraction. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
