/** The temporary file of a matching in a browser: origin-private, in a worker. Loaded on demand. */

import { createPrivateFile, type SyncAccess, writeFault } from "./private-files.ts";
import type { ScratchFile } from "./scratch-file.ts";

/** Browsers do not take shared memory everywhere: what is in it goes through a copy of so many bytes. */
const PIECE_BYTES = 2 ** 22;

/** Null where the browser has no such files, which is so outside of workers. */
export async function createPrivateScratch(): Promise<ScratchFile | null> {
  const handles = (globalThis as { FileSystemFileHandle?: { prototype: object } }).FileSystemFileHandle;
  if (handles === undefined || !("createSyncAccessHandle" in handles.prototype)) return null;
  const file = await createPrivateFile();
  if (file === null) return null;
  try {
    return scratchOf(await file.handle.createSyncAccessHandle!(), file.remove);
  } catch {
    await file.remove();
    return null;
  }
}

/** `remove` is called once, after the file was closed. */
export function scratchOf(access: SyncAccess, remove: () => Promise<void>): ScratchFile {
  let isOpen = true;
  const room = new Uint8Array(PIECE_BYTES);
  return {
    read(bytes, position) {
      for (let at = 0; at < bytes.length; ) {
        const piece = room.subarray(0, bytes.length - at);
        const moved = access.read(piece, { at: position + at });
        if (moved === 0) throw new RangeError("temporary file of the browser ended, expected what was written to it");
        bytes.set(piece.subarray(0, moved), at);
        at += moved;
      }
    },
    write(bytes, position) {
      for (let at = 0; at < bytes.length; ) {
        const piece = room.subarray(0, bytes.length - at);
        piece.set(bytes.subarray(at, at + piece.length));
        at += written(access, piece, position + at);
      }
    },
    async close() {
      if (!isOpen) return;
      isOpen = false;
      access.close();
      await remove();
    },
  };
}

function written(access: SyncAccess, bytes: Uint8Array, at: number): number {
  const what = "matrices (a larger memory option needs less)";
  try {
    const moved = access.write(bytes, { at });
    // A full disk may show so.
    if (moved === 0) throw new DOMException("nothing was written", "QuotaExceededError");
    return moved;
  } catch (error) {
    throw writeFault(error, bytes.length, what);
  }
}
