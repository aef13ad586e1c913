/**
 * Raw bytes of tensors as typed arrays: a *view* of the same memory when it is aligned, else a *copy*. Treat the result
 * as read-only, since it may be either. Files are little-endian and so is every machine that runs WebAssembly engines
 * today; big-endian hosts are not supported.
 */

interface NumericArray<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
}

/**
 * Bytes as 32-bit floats. Throws `RangeError` unless they are a multiple of 4.
 *
 * @example
 * const weight = asFloat32(await model.read("fc.weight"));
 */
export function asFloat32(bytes: Uint8Array): Float32Array {
  return aligned(bytes, Float32Array);
}

/** Bytes as 64-bit floats. Throws `RangeError` unless they are a multiple of 8. */
export function asFloat64(bytes: Uint8Array): Float64Array {
  return aligned(bytes, Float64Array);
}

/** Bytes as 32-bit integers. Throws `RangeError` unless they are a multiple of 4. */
export function asInt32(bytes: Uint8Array): Int32Array {
  return aligned(bytes, Int32Array);
}

/** Bytes as 16-bit patterns (F16, BF16). Throws `RangeError` unless they are a multiple of 2. */
export function asUint16(bytes: Uint8Array): Uint16Array {
  return aligned(bytes, Uint16Array);
}

function aligned<T>(bytes: Uint8Array, Type: NumericArray<T>): T {
  const size = Type.BYTES_PER_ELEMENT;
  if (bytes.byteLength % size !== 0) {
    throw new RangeError(`array has ${bytes.byteLength} bytes, expected a multiple of ${size}`);
  }
  const own = bytes.byteOffset % size === 0 ? bytes : Uint8Array.from(bytes);
  return new Type(own.buffer, own.byteOffset, own.byteLength / size);
}
