/**
 * Numbers stored with 8 or 16 bits, one scale and one minimum for a tensor: value = scale × stored + min, in double
 * precision, then as float32 or rounded (tfjs-core/src/io/io_utils.ts, decodeWeights).
 */

import { FormatError } from "../../base/errors.ts";
import type { Quantization } from "./manifest.ts";

/** 8 or 16 bits with a scale. */
export type Affine = Extract<Quantization, { scale: number }>;

type Stored = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

const levelsOf = ({ dtype }: Affine): number => (dtype === "uint8" ? 255 : 65535);

/** The values as little-endian bytes of F32, or of I32: a new array. */
export function dequantise(stored: Uint8Array, affine: Affine, isInteger: boolean): Uint8Array<ArrayBuffer> {
  const wide = affine.dtype === "uint16";
  const count = wide ? stored.length / 2 : stored.length;
  const bytes = new Uint8Array(4 * count);
  const to = new DataView(bytes.buffer);
  const from = new DataView(stored.buffer, stored.byteOffset, stored.length);
  const { scale, min } = affine;
  for (let i = 0; i < count; i++) {
    const value = (wide ? from.getUint16(2 * i, true) : stored[i]!) * scale + min;
    if (isInteger) to.setInt32(4 * i, Math.round(value), true);
    else to.setFloat32(4 * i, value, true);
  }
  return bytes;
}

/** New stored bytes, and what the tensor's scale is now. */
export interface Requantised {
  readonly stored: Uint8Array;
  readonly affine: Affine;
  /** The largest difference between a value and what is stored; 0 where the old scale fits. */
  readonly loss: number;
}

/**
 * Stores values again. The old scale is kept where it gives every value back, as for values that were only moved.
 * Otherwise a new one covers their range, and 0 stays exact. `values` are little-endian F32, or I32.
 *
 * @throws {RangeError} for NaN and infinities, which no scale has room for
 */
export function requantise(values: Uint8Array, affine: Affine, isInteger: boolean): Requantised {
  const numbers = numbersOf(values, isInteger);
  const same = store(numbers, affine, isInteger);
  if (same.loss === 0) return same;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of numbers) {
    if (!Number.isFinite(value)) throw new RangeError(`holds ${value}, expected finite numbers: they are quantised`);
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const levels = levelsOf(affine);
  if (low === high) return store(numbers, { ...affine, scale: 1, min: low }, isInteger);
  const scale = (high - low) / levels;
  const holdsZero = low <= 0 && high >= 0;
  return store(numbers, { ...affine, scale, min: holdsZero ? -Math.round(-low / scale) * scale : low }, isInteger);
}

function numbersOf(values: Uint8Array, isInteger: boolean): Float64Array {
  const view = new DataView(values.buffer, values.byteOffset, values.length);
  return Float64Array.from({ length: values.length / 4 }, (_, i) =>
    isInteger ? view.getInt32(4 * i, true) : view.getFloat32(4 * i, true),
  );
}

function store(numbers: Float64Array, affine: Affine, isInteger: boolean): Requantised {
  const { scale, min } = affine;
  const levels = levelsOf(affine);
  const stored: Stored = affine.dtype === "uint8" ? new Uint8Array(numbers.length) : new Uint16Array(numbers.length);
  let loss = 0;
  for (const [i, value] of numbers.entries()) {
    const level = scale === 0 ? 0 : Math.min(levels, Math.max(0, Math.round((value - min) / scale)));
    stored[i] = level;
    const back = level * scale + min;
    const off = Math.abs((isInteger ? Math.round(back) : Math.fround(back)) - value);
    loss = Math.max(loss, Number.isNaN(off) ? Number.POSITIVE_INFINITY : off);
  }
  return { stored: littleEndian(stored), affine, loss };
}

function littleEndian(stored: Stored): Uint8Array {
  if (stored instanceof Uint8Array) return stored;
  const bytes = new Uint8Array(2 * stored.length);
  const view = new DataView(bytes.buffer);
  for (const [i, level] of stored.entries()) view.setUint16(2 * i, level, true);
  return bytes;
}

/** Throws `FormatError` for a scale and a minimum whose values are none of the tensor's type. */
export function checkAffine(affine: Affine, where: string, isInteger: boolean): void {
  const most = Math.abs(affine.scale) * levelsOf(affine) + Math.abs(affine.min);
  const limit = isInteger ? 2 ** 31 - 1 : 3.4e38;
  if (!(most <= limit))
    throw new FormatError(`${where} has values up to ${most} by its scale, expected at most ${limit}`);
}
