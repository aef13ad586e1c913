/**
 * Temporary files of browsers, in the origin-private file system. Each has a lock of its name while it is in use, so
 * that those of tabs that died can be recognised and removed. Loaded on demand.
 */

/** Reads and writes at once; dedicated workers alone have it. */
export interface SyncAccess {
  read(bytes: Uint8Array, options: { readonly at: number }): number;
  write(bytes: Uint8Array, options: { readonly at: number }): number;
  close(): void;
}

export interface PrivateFile {
  readonly handle: FileSystemFileHandle & { createSyncAccessHandle?(): Promise<SyncAccess> };
  /** Gives the room back. Harmless when called twice. */
  remove(): Promise<void>;
}

/** The parts of a browser that are used here. Pages that are not secure have none of them. */
interface Browser {
  readonly storage?: {
    getDirectory?(): Promise<FileSystemDirectoryHandle & { keys(): AsyncIterable<string> }>;
    estimate?(): Promise<{ readonly quota?: number; readonly usage?: number }>;
  };
  readonly locks?: {
    request(
      name: string,
      options: { readonly ifAvailable: boolean },
      use: (lock: object | null) => unknown,
    ): Promise<unknown>;
  };
  readonly deviceMemory?: number;
}

/** Chromium writes a stream into a file beside it. */
const NAME = /^(rebasin-[0-9a-f]{16}\.tmp)(\.crswap)?$/;

const browser = (): Browser => (globalThis as { navigator?: Browser }).navigator ?? {};

/** An empty file. Null where the browser has no such files, or not for this page: in private windows of some. */
export async function createPrivateFile(): Promise<PrivateFile | null> {
  const folder = await privateFolder();
  if (folder === null) return null;
  await removeStale(folder);
  const name = `rebasin-${randomDigits()}.tmp`;
  const release = await hold(name);
  try {
    const handle = await folder.getFileHandle(name, { create: true });
    const remove = async (): Promise<void> => {
      await folder.removeEntry(name).catch(() => undefined);
      release();
    };
    return { handle, remove };
  } catch {
    release();
    return null;
  }
}

/**
 * Removes the temporary files that earlier tabs of this page's origin left, because they crashed or were closed.
 * Harmless where there are none, and where the browser has no such files.
 *
 * @example
 * await removePrivateFiles();
 */
export async function removePrivateFiles(): Promise<void> {
  const folder = await privateFolder();
  if (folder !== null) await removeStale(folder);
}

/** Throws `RangeError` where the browser expects to refuse a file of so many bytes; `what`: of whose. */
export async function checkRoom(bytes: number, what: string): Promise<void> {
  const { quota, usage = 0 } = (await browser().storage?.estimate?.()) ?? {};
  if (quota !== undefined && quota - usage < bytes) throw noRoom(bytes, what, quota - usage);
}

/** What is thrown in place of an error of writing: of a full disk or quota in one line, others as they are. */
export function writeFault(error: unknown, bytes: number, what: string): unknown {
  const isFull = (error as Partial<Error> | null)?.name === "QuotaExceededError";
  return isFull ? noRoom(bytes, what, undefined, error) : error;
}

function noRoom(bytes: number, what: string, left: number | undefined, cause?: unknown): RangeError {
  const has = left === undefined ? "is full" : `has room for ${Math.max(0, left)} bytes`;
  const message = `storage of the browser for this page ${has}, expected room for ${bytes} bytes of ${what}: free disk space, or clear data of sites`;
  return new RangeError(message, { cause });
}

/**
 * What a page takes by default: an eighth of the machine's memory where the browser reports it, at most 750 MB. A page
 * is one of many programs, and browsers end tabs that take too much.
 */
export function memoryOfPage(): number {
  const { deviceMemory = 8 } = browser();
  return Math.min(750e6, (deviceMemory * 2 ** 30) / 8);
}

async function privateFolder() {
  const { storage, locks } = browser();
  if (locks === undefined) return null;
  try {
    return (await storage?.getDirectory?.()) ?? null;
  } catch {
    return null;
  }
}

async function removeStale(folder: NonNullable<Awaited<ReturnType<typeof privateFolder>>>): Promise<void> {
  const found: RegExpExecArray[] = [];
  for await (const name of folder.keys()) found.push(...[NAME.exec(name)].filter((each) => each !== null));
  const remove = (lock: object | null, name: string): unknown => lock && folder.removeEntry(name);
  for (const [name, owner] of found)
    await browser()
      .locks!.request(owner!, { ifAvailable: true }, (lock) => remove(lock, name))
      // Another tab was faster.
      .catch(() => undefined);
}

/** Takes the lock of that name, which ends with this page or worker; gives what lets go of it. */
function hold(name: string): Promise<() => void> {
  return new Promise((taken, refused) => {
    const use = (): Promise<void> => new Promise((release) => taken(() => release()));
    browser().locks!.request(name, { ifAvailable: false }, use).catch(refused);
  });
}

/** Not from the seeded generator: this must differ between tabs, and no output depends on it. */
function randomDigits(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
