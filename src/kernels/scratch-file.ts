/** A temporary file for what does not fit in memory, of the system or of the browser. Loaded on demand. */

/** Bytes by position, in a file that no other program sees. */
export interface ScratchFile {
  /** Fills `bytes` from `position` on, all of which must have been written. */
  read(bytes: Uint8Array, position: number): void;
  write(bytes: Uint8Array, position: number): void;
  /** Gives the room on the disk back. Safe to call twice. */
  close(): void | Promise<void>;
}

/** What is used of `node:fs`, `node:os` and `node:path`. */
interface FileSystem {
  mkdtempSync(prefix: string): string;
  openSync(path: string, flags: string, mode: number): number;
  readSync(file: number, bytes: Uint8Array, offset: number, length: number, position: number): number;
  writeSync(file: number, bytes: Uint8Array, offset: number, length: number, position: number): number;
  closeSync(file: number): void;
  rmSync(path: string, options: { recursive: boolean; force: boolean }): void;
}
interface Host {
  readonly process?: {
    getBuiltinModule?(name: "fs"): FileSystem;
    getBuiltinModule?(name: "os"): { tmpdir(): string; totalmem(): number };
    getBuiltinModule?(name: "path"): { join(...parts: string[]): string };
    constrainedMemory?(): number;
  };
}

/** Systems read and write at most 2 GiB at a time. */
const MOST_AT_ONCE = 2 ** 30;

const host = (): Host["process"] => (globalThis as Host).process;

/**
 * Creates a file in the system's folder for temporary files (`TMPDIR`). It has no name any more when this returns,
 * where the system allows that, so nothing is left behind however the program ends. Null where there are no files.
 *
 * @throws {RangeError} when the folder is not writable.
 */
export function createScratchFile(): ScratchFile | null {
  const program = host();
  const [files, system, paths] = [
    program?.getBuiltinModule?.("fs"),
    program?.getBuiltinModule?.("os"),
    program?.getBuiltinModule?.("path"),
  ];
  if (files === undefined || system === undefined || paths === undefined) return null;
  const folder = attempt(`${system.tmpdir()} cannot hold a temporary file`, () =>
    files.mkdtempSync(paths.join(system.tmpdir(), "rebasin-")),
  );
  const remove = (): void => files.rmSync(folder, { recursive: true, force: true });
  const file = files.openSync(paths.join(folder, "matrices"), "wx+", 0o600);
  const isRemoved = succeeds(remove);
  let isOpen = true;
  const each = (bytes: Uint8Array, position: number, move: FileSystem["readSync"]): void => {
    for (let at = 0; at < bytes.length; ) {
      const moved = move(file, bytes, at, Math.min(MOST_AT_ONCE, bytes.length - at), position + at);
      if (moved === 0) throw new RangeError(`temporary file in ${folder} ended, expected what was written to it`);
      at += moved;
    }
  };
  return {
    read: (bytes, position) => each(bytes, position, (...call) => files.readSync(...call)),
    write: (bytes, position) =>
      attempt(`temporary file in ${system.tmpdir()} cannot be written (room for matrices)`, () =>
        each(bytes, position, (...call) => files.writeSync(...call)),
      ),
    close() {
      if (!isOpen) return;
      isOpen = false;
      files.closeSync(file);
      if (!isRemoved) remove();
    },
  };
}

/** Half of what the machine has, or its container may use; undefined where the host does not report it. */
export function halfOfMemory(program: Host["process"] = host()): number | undefined {
  const total = program?.getBuiltinModule?.("os")?.totalmem();
  if (total === undefined || !(total > 0)) return undefined;
  // Node says 0, or more than there is, where there is no limit.
  const limit = program?.constrainedMemory?.() ?? 0;
  return Math.floor((limit > 0 ? Math.min(limit, total) : total) / 2);
}

function succeeds(step: () => void): boolean {
  try {
    step();
    return true;
  } catch {
    // Windows does not remove an open file.
    return false;
  }
}

function attempt<T>(what: string, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    if (cause instanceof RangeError) throw cause;
    throw new RangeError(`${what}, expected a writable folder with room (TMPDIR names it)`, { cause });
  }
}
