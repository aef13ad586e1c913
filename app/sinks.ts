/**
 * Where the browser takes files: Blobs, whose bytes it keeps outside of the page's memory, and files that the user
 * chose.
 */

import type { ByteSink } from "../src/index.ts";

/** Parts of a Blob are gathered up to this many bytes: a Blob for each of a thousand small tensors would be slow. */
const PART_BYTES = 2 ** 22;

/** A sink that ends as a Blob. `blob` is for after `close`. */
export function blobSink(): ByteSink & { blob(): Blob } {
  let parts: Blob[] = [];
  let pending: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const settle = (): void => {
    if (pending.length > 0) parts.push(new Blob(pending));
    [pending, bytes] = [[], 0];
  };
  return {
    async write(chunk) {
      // A Blob copies what it is made of; what waits for it must be ours.
      pending.push(chunk.length < PART_BYTES ? chunk.slice() : (chunk as Uint8Array<ArrayBuffer>));
      bytes += chunk.length;
      if (bytes >= PART_BYTES) settle();
    },
    async close() {
      settle();
    },
    async abort() {
      [parts, pending] = [[], []];
    },
    blob: () => new Blob(parts, { type: "application/octet-stream" }),
  };
}

/** A sink into a file that the user chose; the browser puts it in place at the end. */
export async function fileHandleSink(handle: FileSystemFileHandle): Promise<ByteSink> {
  const stream = await handle.createWritable();
  return {
    write: (chunk) => stream.write(chunk as Uint8Array<ArrayBuffer>),
    close: () => stream.close(),
    abort: () => stream.abort(),
  };
}
