/** NumPy's .npy files (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): plain numbers, row-major. */

import { FormatError } from "../base/errors.ts";
import { elementCount } from "../base/model.ts";

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

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** NumPy itself reads no longer header than this unless told to. */
const MAX_HEADER = 10_000;
/** As many as NumPy allows. */
const MAX_AXES = 32;

/**
 * Parses a .npy file. `data` is a view. Throws `FormatError`, naming the file, for anything but numbers in row-major order
 * and little-endian bytes, and for another number of bytes than shape and dtype say.
 *
 * @example
 * const { dtype, shape, data } = parseNpy(bytes, "x_test.npy");
 */
export function parseNpy(bytes: Uint8Array, name: string): NpyArray {
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) {
    const found = Array.from(bytes.subarray(0, 6), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    throw new FormatError(`${name} starts with ${found || "nothing"}, expected 93 4e 55 4d 50 59 (.npy)`);
  }
  const { start, text } = headerOf(bytes, name);
  const { dtype, shape } = parseHeader(text, name);
  const data = bytes.subarray(start);
  const expected = elementCount(shape) * SIZES.get(dtype)!;
  if (data.length !== expected) {
    throw new FormatError(
      `${name} holds ${data.length} bytes of data, expected ${expected} for ${dtype} [${shape.join(", ")}]`,
    );
  }
  return { dtype, shape, data };
}

function headerOf(bytes: Uint8Array, name: string): { start: number; text: string } {
  const major = bytes[6] ?? 0;
  if (major < 1 || major > 3) throw new FormatError(`${name} format version ${major}, expected 1, 2 or 3`);
  const begin = major === 1 ? 10 : 12;
  if (bytes.length < begin) throw new FormatError(`${name} holds ${bytes.length} bytes, expected a header of ${begin}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER) throw new FormatError(`${name} header of ${length} bytes, expected at most ${MAX_HEADER}`);
  if (bytes.length < begin + length)
    throw new FormatError(`${name} holds ${bytes.length} bytes, expected a header up to byte ${begin + length}`);
  return { start: begin + length, text: new TextDecoder().decode(bytes.subarray(begin, begin + length)) };
}

/** A Python dictionary of exactly these three keys, each once and in any order, as NumPy writes it. */
const ENTRY =
  /^\s*'(descr|fortran_order|shape)'\s*:\s*('[^']*'|True|False|\(\s*(?:\d+\s*(?:,\s*\d+\s*)*,?)?\s*\))\s*(,|$)/;

function parseHeader(text: string, name: string): { dtype: string; shape: number[] } {
  const trimmed = text.trim();
  const fault = (): FormatError =>
    new FormatError(
      `${name} header ${JSON.stringify(trimmed.slice(0, 120))}, expected {'descr': …, 'fortran_order': …, 'shape': (…)} of numbers`,
    );
  if (!trimmed.startsWith("{") || !trimmed.endsWith("}")) throw fault();
  const entries = new Map<string, string>();
  let rest = trimmed.slice(1, -1).trim();
  while (rest !== "") {
    const match = ENTRY.exec(rest);
    if (match === null || entries.has(match[1]!)) throw fault();
    entries.set(match[1]!, match[2]!);
    rest = rest.slice(match[0].length).trim();
  }
  const [descr, order, shape] = ["descr", "fortran_order", "shape"].map((key) => entries.get(key));
  if (!descr?.startsWith("'") || !(order === "True" || order === "False") || !shape?.startsWith("(")) throw fault();
  const dtype = descr.slice(1, -1);
  if (!SIZES.has(dtype))
    throw new FormatError(`${name} dtype ${dtype}, expected one of ${[...SIZES.keys()].join(" ")}`);
  if (order === "True")
    throw new FormatError(`${name} is in Fortran order, expected C order (numpy.ascontiguousarray)`);
  return { dtype, shape: parseShape(shape, name, fault) };
}

function parseShape(text: string, name: string, fault: () => FormatError): number[] {
  const inner = text.slice(1, -1).trim();
  // `(3)` is a number in Python, not a tuple.
  if (/^\d+$/.test(inner)) throw fault();
  const shape = inner === "" ? [] : inner.replace(/,\s*$/, "").split(",").map(Number);
  if (shape.length > MAX_AXES) throw new FormatError(`${name} has ${shape.length} axes, expected at most ${MAX_AXES}`);
  const large = shape.find((size) => !Number.isSafeInteger(size));
  if (large !== undefined) throw new FormatError(`${name} has an axis of ${large}, expected at most 2^53-1`);
  return shape;
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
