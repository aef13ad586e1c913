/**
 * One array of a .npy file or of an archive's entry: where its numbers are and in which order, read and written
 * back.
 */

import { DTYPES, type Dtype } from "../../base/dtype.ts";
import { FormatError } from "../../base/errors.ts";
import { tensorBytes } from "../../base/tensor-bytes.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { columnMajor, gather, isRowMajor, scatter, swapBytes } from "../strided.ts";
import { type Assumed, npyType } from "./npy-dtypes.ts";
import { NPY_HEAD_BYTES, npyHeaderEnd, parseNpyHeader } from "./npy-header.ts";

/** An array's dtype, shape and layout. */
export interface NpyLayout {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly dataStart: number;
  readonly isBig: boolean;
  /** Column-major, where that is another order than row-major. */
  readonly isFortran: boolean;
}

/** Headers that NumPy writes have 128 bytes. */
const FIRST_BYTES = 256;

/**
 * Reads the header of the array in `content`; text describes an array of something else than numbers.
 *
 * @throws {FormatError} for what is no .npy file, is cut, or has numbers of no known type
 */
export async function readNpyLayout(
  content: ByteSource,
  assumed: Assumed,
  signal?: AbortSignal,
): Promise<NpyLayout | string> {
  const { name, byteLength } = content;
  let head = await content.slice(0, Math.min(byteLength, FIRST_BYTES), signal);
  const need = Math.min(npyHeaderEnd(head), NPY_HEAD_BYTES, byteLength);
  if (need > head.length) head = await content.slice(0, need, signal);
  const { descr, fortranOrder, shape, dataStart } = parseNpyHeader(head, name);
  const type = npyType(descr, assumed);
  if ("fault" in type) throw new FormatError(`${name} ${type.fault}`);
  if ("skipped" in type) return type.skipped;
  const { dtype, isBig } = type;
  const bytes = tensorBytes({ dtype, shape }, (message) => new FormatError(`${name} ${message}`));
  if (byteLength - dataStart !== bytes)
    throw new FormatError(
      `${name} holds ${byteLength - dataStart} bytes of data, expected ${bytes} for ${descr} [${shape.join(", ")}]`,
    );
  const isFortran = fortranOrder && !isRowMajor({ shape, stride: columnMajor(shape) });
  return { dtype, shape, dataStart, isBig, isFortran };
}

/** Stored bytes as a tensor's: row-major, little-endian. The same memory where that is so already. */
export function fromNpyOrder(data: Uint8Array, { dtype, shape, isBig, isFortran }: NpyLayout): Uint8Array {
  const elements = isFortran ? gather(data, { shape, stride: columnMajor(shape) }, DTYPES[dtype].bits / 8) : data;
  return isBig ? swapBytes(elements, partBytes(dtype)) : elements;
}

/** A tensor's bytes as the file stores them. The same memory where nothing moves. */
export function toNpyOrder(elements: Uint8Array, { dtype, shape, isBig, isFortran }: NpyLayout): Uint8Array {
  const own = isBig ? swapBytes(elements, partBytes(dtype)) : elements;
  if (!isFortran) return own;
  const data = new Uint8Array(own.length);
  scatter(own, data, { shape, stride: columnMajor(shape) }, DTYPES[dtype].bits / 8);
  return data;
}

/** Bytes of a number; a complex one is two. */
function partBytes(dtype: Dtype): number {
  const { bits, kind } = DTYPES[dtype];
  return kind === "complex" ? bits / 16 : bits / 8;
}
