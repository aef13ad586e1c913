/** A file as a byte source, through node:fs: Node, Deno and Bun. */

import type { Stats } from "node:fs";
import { constants, type FileHandle, open, stat } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { FormatError } from "../base/errors.ts";
import { checkRange } from "../io/byte-range.ts";
import type { ByteSource } from "../io/byte-source.ts";
import { wordsOf } from "./system-error.ts";
import { CHUNK_BYTES } from "./write-fully.ts";

/**
 * Opens a regular file for reading at any position; symbolic links are followed. Slices are copies. Close it.
 *
 * @throws {FormatError} naming the path, for a file that is missing, a directory, a pipe or device, or not readable.
 * Slices throw it when the file was changed since (its size or the time of its last change).
 *
 * @example
 * const source = await fileSource("model.safetensors");
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const handle = await openRegular(path);
  let closing: Promise<void> | undefined;
  try {
    const facts = await settledFacts(handle);
    const byteLength = regularSize(path, facts);
    const file = await identify(path);
    const isSame = async (): Promise<boolean> => {
      const { size, mtimeMs } = await handle.stat();
      return size === byteLength && mtimeMs === facts.mtimeMs;
    };
    const check: Check = async () => {
      if (!(await isSame()) || ((await identify(path)) ?? file) !== file) throw changed(path);
    };
    openFiles.add({ path: resolve(path), check });
    return {
      name: path,
      byteLength,
      async slice(start, end, signal, into) {
        signal?.throwIfAborted();
        if (closing !== undefined) throw new RangeError(`${path} is closed, expected an open file`);
        checkRange(path, byteLength, start, end);
        const bytes = into?.length === end - start ? into : roomFor(path, start, end);
        await readFully(path, handle, bytes, start, signal);
        if (!(await isSame())) throw changed(path);
        return bytes;
      },
      async close() {
        for (const open of openFiles) if (open.check === check) openFiles.delete(open);
        closing ??= handle.close();
        await closing;
      },
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Clocks of file systems tick every few milliseconds: what is written within the same tick has the same time of
 * change.
 */
const TICK_MS = 20;

/** The facts of a file, when a later change would show in them: one that was written just now is looked at again. */
async function settledFacts(handle: FileHandle): Promise<Stats> {
  const facts = await handle.stat();
  if (Math.abs(Date.now() - facts.mtimeMs) >= TICK_MS) return facts;
  await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  return handle.stat();
}

type Check = () => Promise<void>;

const openFiles = new Set<{ readonly path: string; readonly check: Check }>();

/**
 * Throws `FormatError` for a file that is open, is among `paths` or in a folder of them, and was changed or
 * replaced since.
 */
export async function requireUnchanged(paths: readonly string[]): Promise<void> {
  const wanted = paths.map((path) => resolve(path));
  for (const { path, check } of openFiles)
    if (wanted.some((each) => path === each || path.startsWith(each + sep))) await check();
}

/** Which file a path leads to; undefined when to none, as when an open file was removed. */
async function identify(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    return undefined;
  }
}

const changed = (path: string): FormatError =>
  new FormatError(`${path} was changed while it was read, expected it to stay as it is until all is written`);

async function openRegular(path: string): Promise<FileHandle> {
  try {
    // Asked before opening: opening a pipe waits until someone writes to it.
    regularSize(path, await stat(path));
    return await open(path, constants.O_RDONLY);
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw new FormatError(`${path}: ${wordsOf(cause)}, expected a model file`, { cause });
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

/** A new array; engines differ in how many bytes one may have. */
function roomFor(path: string, start: number, end: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(end - start);
  } catch (cause) {
    const what = `${path} bytes ${start} to ${end} are ${end - start} in one piece`;
    throw new RangeError(`${what}, more than this runtime can hold`, { cause });
  }
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
