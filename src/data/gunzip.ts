/** gzip, by the platform's own decompression. */

import { FormatError } from "../base/errors.ts";
import { joinBytes } from "../base/join-bytes.ts";

/** A data set of this package's is held in memory whole: what unpacks to more is no such file, or a trap. */
export const MAX_UNPACKED: number = 2 ** 30;

/** True for bytes that start like gzip (RFC 1952). */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/**
 * The unpacked bytes where `bytes` start like gzip, else `bytes` themselves. Rejects with `FormatError` for a file that
 * is broken or unpacks to more than `limit` bytes.
 */
export async function maybeGunzip(bytes: Uint8Array, name: string, limit: number = MAX_UNPACKED): Promise<Uint8Array> {
  if (!isGzip(bytes)) return bytes;
  const chunks: Uint8Array[] = [];
  let length = 0;
  const source = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  const reader = source.pipeThrough(new DecompressionStream("gzip")).getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      length += part.value.length;
      if (length > limit) break;
      chunks.push(part.value);
    }
  } catch (error) {
    throw new FormatError(`${name} does not gunzip (${(error as Error).message}), expected a whole gzip file`);
  }
  if (length > limit) {
    await reader.cancel().catch(() => {});
    throw new FormatError(`${name} unpacks to more than ${limit} bytes, expected at most that`);
  }
  return joinBytes(chunks);
}
