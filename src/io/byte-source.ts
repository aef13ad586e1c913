/** Where bytes come from: anything that has a size and gives ranges. File formats know only this interface. */

import { checkRange } from "./byte-range.ts";

/** Random access to bytes. Ends are exclusive everywhere. */
export interface ByteSource {
  /** For messages. */
  readonly name: string;
  readonly byteLength: number;
  /**
   * The bytes from `start` up to but not including `end`, exactly `end - start` of them. The result may be a *view* of
   * memory that the source owns: read-only. Rejects with `RangeError` for a range that is not inside the source, and
   * with the signal's reason when it is aborted. `into` offers room for exactly these bytes: a source that copies them
   * writes them there and resolves to it, others ignore it.
   */
  slice(start: number, end: number, signal?: AbortSignal, into?: Uint8Array): Promise<Uint8Array>;
  /** Releases what is held open. Safe to call twice. */
  close?(): Promise<void>;
}

/**
 * Bytes in memory as a source. Slices are *views* of `bytes`, nothing is copied: do not change them while in use.
 *
 * @example
 * const source = bytesSource(new Uint8Array([1, 2, 3]), "three");
 * await source.slice(1, 3); // Uint8Array [2, 3]
 */
export function bytesSource(bytes: Uint8Array | ArrayBuffer, name = "bytes"): ByteSource {
  // A plain Uint8Array whatever came in: subclasses (Buffer) have other ideas of slice.
  const view = ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
  const byteLength = view.byteLength;
  return {
    name,
    byteLength,
    async slice(start, end, signal) {
      signal?.throwIfAborted();
      checkRange(name, byteLength, start, end);
      return view.subarray(start, end);
    },
  };
}

/**
 * A Blob or a File of a file input as a source. Slices are copies, read when asked for. The name defaults to the
 * file's. If the file changes on disk after it was picked, the browser rejects reads with a `NotReadableError`.
 *
 * @example
 * const source = blobSource(input.files[0]);
 */
export function blobSource(blob: Blob, name: string = fileName(blob) ?? "blob"): ByteSource {
  const byteLength = blob.size;
  return {
    name,
    byteLength,
    async slice(start, end, signal) {
      signal?.throwIfAborted();
      checkRange(name, byteLength, start, end);
      const buffer = await blob.slice(start, end).arrayBuffer();
      signal?.throwIfAborted();
      return new Uint8Array(buffer);
    },
  };
}

/** The name of a File. Bun gives Blobs a name too, which is undefined. */
function fileName(blob: Blob): string | undefined {
  const { name } = blob as Partial<File>;
  return typeof name === "string" ? name : undefined;
}
