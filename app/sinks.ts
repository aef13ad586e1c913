/** Where the browser takes files: into files that the user chose, its own files that pages may have, and Blobs. */

import { type PrivateFileSink, privateFileSink } from "../src/formats.ts";
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

/** What was written, to be saved by the user. */
export interface Output {
  readonly sink: ByteSink;
  /** For after `close`; null where the user chose the file. */
  blob(): Promise<Blob | null>;
  /** Whether all of it is in memory until it is saved. */
  readonly inMemory: boolean;
}

/** What was written before: the last one may still be on its way. */
const written: PrivateFileSink[] = [];

/** An output of `bytes` into `target`, else into a file of the browser, else into memory. */
export async function openOutput(target: FileSystemFileHandle | undefined, bytes: number): Promise<Output> {
  if (target !== undefined) return { sink: await fileHandleSink(target), blob: async () => null, inMemory: false };
  while (written.length > 1) await written.shift()!.remove();
  const file = await privateFileSink(bytes);
  if (file !== null) {
    written.push(file);
    return { sink: file, blob: () => file.file(), inMemory: false };
  }
  const sink = blobSink();
  return { sink, blob: async () => sink.blob(), inMemory: true };
}

/** A sink into a file that the user chose; the browser puts it in place at the end. */
async function fileHandleSink(handle: FileSystemFileHandle): Promise<ByteSink> {
  const stream = await handle.createWritable();
  const oneLine = async (step: Promise<void>): Promise<void> => {
    try {
      await step;
    } catch (cause) {
      if ((cause as Error).name !== "QuotaExceededError") throw cause;
      throw new Error(`${handle.name} was not written: the disk is full, expected room for the whole file`, { cause });
    }
  };
  return {
    write: (chunk) => oneLine(stream.write(chunk as Uint8Array<ArrayBuffer>)),
    close: () => oneLine(stream.close()),
    abort: () => stream.abort(),
  };
}
