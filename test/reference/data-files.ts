/** Data files built byte by byte: IDX, .npy, CIFAR records, gzip. */

/** One after the other. */
export function bytesOf(...parts: readonly (ArrayLike<number> | string)[]): Uint8Array {
  const arrays = parts.map((part) => (typeof part === "string" ? new TextEncoder().encode(part) : part));
  const joined = new Uint8Array(arrays.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of arrays) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

export const bigEndian = (value: number): number[] => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);

/** An IDX file of bytes with the given sizes in its header. */
export function idxFile(
  sizes: readonly number[],
  data: ArrayLike<number>,
  magic: number = 0x800 + sizes.length,
): Uint8Array {
  return bytesOf(...[magic, ...sizes].map(bigEndian), data);
}

/** A .npy file with this header text, padded as NumPy pads it. */
export function npyFile(header: string, data: ArrayLike<number>, version = 1): Uint8Array {
  const text = `${header.padEnd(117)}\n`;
  const length = version === 1 ? [text.length, 0] : [text.length, 0, 0, 0];
  return bytesOf([0x93], "NUMPY", [version, 0], length, text, data);
}

/** The header that NumPy writes. */
export function npyHeader(dtype: string, shape: readonly number[], order = "False"): string {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  return `{'descr': '${dtype}', 'fortran_order': ${order}, 'shape': ${tuple}, }`;
}

export async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
