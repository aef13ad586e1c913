/** A range of a source as a separate source. */

import { checkRange } from "./byte-range.ts";
import type { ByteSource } from "./byte-source.ts";

/**
 * The bytes `start` to `end` of `source`, under their own name. Slices are what the source's are. Closing is the
 * source's owner's.
 *
 * @throws {RangeError} for a range that is not inside the source
 *
 * @example
 * const storage = partSource(file, 1024, 4096, "model.pt storage 0");
 */
export function partSource(source: ByteSource, start: number, end: number, name: string): ByteSource {
  checkRange(source.name, source.byteLength, start, end);
  const byteLength = end - start;
  return {
    name,
    byteLength,
    async slice(from, until, signal) {
      checkRange(name, byteLength, from, until);
      return source.slice(start + from, start + until, signal);
    },
  };
}
