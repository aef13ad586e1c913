/** Files of a browser that only the page's origin sees, as outputs: what is too large for memory goes to the disk. */

import type { PrivateFile } from "../kernels/private-files.ts";
import type { ByteSink } from "./sink.ts";

/** A sink into a file of the browser. */
export interface PrivateFileSink extends ByteSink {
  /** What was written, on the disk and not in memory; after `close`, until `remove`. */
  file(): Promise<File>;
  /** Removes the file. Harmless when called twice. */
  remove(): Promise<void>;
}

/**
 * A sink into a new file of the browser's origin-private file system. The user can then download it without a copy in
 * memory. In a worker it writes at once; on a page's main thread by a stream. `bytes`: how many are to be written, if
 * that is known. Null where the browser has no such files for this page, as in some private windows.
 *
 * The file stays until `remove`. Files of tabs that were closed or crashed are removed when the next one is made.
 *
 * @throws {RangeError} when the browser has no room for `bytes`, and in a write when the disk or its quota is full.
 *
 * @example
 * const sink = await privateFileSink();
 * if (sink !== null) {
 *   await writeModel(merged, sink, { format: "safetensors" });
 *   const address = URL.createObjectURL(await sink.file()); // for a link with `download`
 * }
 */
export async function privateFileSink(bytes = 0): Promise<PrivateFileSink | null> {
  const { checkRoom, createPrivateFile, writeFault } = await import("../kernels/private-files.ts");
  const made = await createPrivateFile();
  if (made === null) return null;
  try {
    await checkRoom(bytes, WHAT);
    const output = await outputOf(made);
    if (output !== null) return sinkInto(made, output, (error, size) => writeFault(error, size, WHAT));
  } catch (error) {
    await made.remove();
    throw error;
  }
  await made.remove();
  return null;
}

const WHAT = "the file";

/**
 * Removes temporary files of this page's origin that tabs left because they crashed or were closed. Call it at start.
 * Harmless where there are none, and where the browser has no such files.
 *
 * @example
 * await removePrivateFiles();
 */
export async function removePrivateFiles(): Promise<void> {
  await (await import("../kernels/private-files.ts")).removePrivateFiles();
}

type Output = Pick<ByteSink, "write" | "close">;

/** Null where neither way of writing is there. */
async function outputOf({ handle }: PrivateFile): Promise<Output | null> {
  if (handle.createSyncAccessHandle !== undefined) {
    const access = await handle.createSyncAccessHandle();
    let end = 0;
    return {
      async write(bytes) {
        for (let at = 0; at < bytes.length; ) {
          const moved = access.write(bytes.subarray(at), { at: end });
          // A full disk may show so.
          if (moved === 0) throw new DOMException("nothing was written", "QuotaExceededError");
          at += moved;
          end += moved;
        }
      },
      close: async () => access.close(),
    };
  }
  if (handle.createWritable === undefined) return null;
  const stream = await handle.createWritable();
  return { write: (bytes) => stream.write(bytes as Uint8Array<ArrayBuffer>), close: () => stream.close() };
}

function sinkInto(
  { handle, remove }: PrivateFile,
  { write, close }: Output,
  fault: (error: unknown, bytes: number) => unknown,
): PrivateFileSink {
  let isOpen = true;
  const end = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await close();
  };
  const abort = async (): Promise<void> => {
    if (!isOpen) return;
    await end().catch(() => undefined);
    await remove();
  };
  return {
    write: (bytes) =>
      write(bytes).catch((error) => {
        throw fault(error, bytes.length);
      }),
    close: end,
    abort,
    file: () => handle.getFile(),
    remove,
  };
}
