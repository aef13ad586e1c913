/**
 * Little-endian numbers of binary headers. Reads are bounds-checked by `DataView`: ask only for what was checked to
 * be there.
 */

/** A view of the same memory. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** An unsigned 64-bit number; beyond 2^53−1, where numbers lose whole values, `Infinity`: larger than any file. */
export function readU64(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(value);
}
