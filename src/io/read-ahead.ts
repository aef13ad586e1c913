/** A source that reads more than it is asked for, for many small reads in a row. */

import type { ByteSource } from "./byte-source.ts";

/** Read at once: the headers of a few hundred small entries. */
const WINDOW_BYTES = 65536;

/**
 * The same bytes, of which a window is kept in memory. Longer slices go to `source` itself. Closing is the source's
 * owner's.
 */
export function readAhead(source: ByteSource): ByteSource {
  const { name, byteLength } = source;
  let window = { start: 0, bytes: new Uint8Array(0) as Uint8Array };
  return {
    name,
    byteLength,
    async slice(start, end, signal) {
      const from = start - window.start;
      if (from >= 0 && end - window.start <= window.bytes.length)
        return window.bytes.subarray(from, end - window.start);
      const until = Math.min(byteLength, start + WINDOW_BYTES);
      if (!(end <= until && start <= end)) return source.slice(start, end, signal);
      window = { start, bytes: await source.slice(start, until, signal) };
      return window.bytes.subarray(0, end - start);
    },
  };
}
