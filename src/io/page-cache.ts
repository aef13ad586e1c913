/** A source that keeps the pages it read last: for indexes whose parts are far from each other. */

import type { ByteSource } from "./byte-source.ts";

const PAGE_BYTES = 16384;
const MOST_PAGES = 32;

/**
 * The same bytes. Short slices come from pages that are kept, longer ones from `source` itself. Closing is the source's
 * owner's.
 */
export function pageCache(source: ByteSource): ByteSource {
  const { name, byteLength } = source;
  const pages = new Map<number, Uint8Array>();
  const page = async (index: number, signal?: AbortSignal): Promise<Uint8Array> => {
    let bytes = pages.get(index);
    pages.delete(index);
    bytes ??= await source.slice(index * PAGE_BYTES, Math.min(byteLength, (index + 1) * PAGE_BYTES), signal);
    pages.set(index, bytes);
    for (const oldest of pages.keys()) {
      if (pages.size <= MOST_PAGES) break;
      pages.delete(oldest);
    }
    return bytes;
  };
  return {
    name,
    byteLength,
    async slice(start, end, signal) {
      const [first, last] = [Math.floor(start / PAGE_BYTES), Math.floor((end - 1) / PAGE_BYTES)];
      if (!(start >= 0 && start < end && end <= byteLength) || last > first + 1)
        return source.slice(start, end, signal);
      const bytes = await page(first, signal);
      if (first === last) return bytes.subarray(start - first * PAGE_BYTES, end - first * PAGE_BYTES);
      const both = new Uint8Array(end - start);
      const head = bytes.subarray(start - first * PAGE_BYTES);
      both.set(head);
      both.set((await page(last, signal)).subarray(0, end - last * PAGE_BYTES), head.length);
      return both;
    },
  };
}
