/** A file as a byte source, through node:fs: Node, Deno and Bun. */

import { constants, type FileHandle, open, stat } from "node:fs/promises";
import { FormatError } from "../base/errors.ts";
import { checkRange } from "../io/byte-range.ts";
import type { ByteSource } from "../io/source.ts";
import { wordsOf } from "./system-error.ts";
import { CHUNK_BYTES } from "./write-fully.ts";

/**
 * Opens a regular file for reading at any position; symbolic links are followed. Slices are copies. Close it.
 *
 * Rejects with `FormatError`, naming the path, for a file that is missing, a directory, a pipe or device, or not
 * readable; slices do so when the file has become shorter since.
 *
 * @example
 * const source = await fileSource("model.safetensors");
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const handle = await openRegular(path);
  let closing: Promise<void> | undefined;
  try {
    const byteLength = regularSize(path, await handle.stat());
    return {
      name: path,
      byteLength,
      async slice(start, end, signal) {
        signal?.throwIfAborted();
        if (closing !== undefined) throw new RangeError(`${path} is closed, expected an open file`);
        checkRange(path, byteLength, start, end);
        const bytes = new Uint8Array(end - start);
        await readFully(path, handle, bytes, start, signal);
        return bytes;
      },
      async close() {
        closing ??= handle.close();
        await closing;
      },
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openRegular(path: string): Promise<FileHandle> {
  try {
    // Asked before opening: opening a pipe waits until someone writes to it.
    regularSize(path, await stat(path));
    return await open(path, constants.O_RDONLY);
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw new FormatError(`${path} ${wordsOf(cause)}, expected a model file`, { cause });
  }
}

interface FileFacts {
  readonly size: number;
  isFile(): boolean;
  isDirectory(): boolean;
}

function regularSize(path: string, facts: FileFacts): number {
  if (facts.isFile()) return facts.size;
  const what = facts.isDirectory() ? "a directory" : "not a regular file";
  throw new FormatError(`${path} is ${what}, expected a model file`);
}

/** Fills `bytes` from `position` on; a read may return less than asked, and returns 0 at the end of the file. */
async function readFully(
  path: string,
  handle: FileHandle,
  bytes: Uint8Array,
  position: number,
  signal?: AbortSignal,
): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    const length = Math.min(bytes.length - offset, CHUNK_BYTES);
    const { bytesRead } = await handle.read(bytes, offset, length, position + offset);
    signal?.throwIfAborted();
    if (bytesRead === 0) {
      const want = position + bytes.length;
      throw new FormatError(`${path} ends at byte ${position + offset}, expected ${want} (it changed while open)`);
    }
    offset += bytesRead;
  }
}
