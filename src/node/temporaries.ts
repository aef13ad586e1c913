/**
 * Temporary files and folders: their names show the process, so that those of dead processes can be recognised and
 * removed.
 */

import { readdir, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { codeOf } from "./system-error.ts";

/** `.rebasin-PID-HOST-RANDOM.tmp` */
const NAME = /^\.rebasin-(\d+)-([0-9a-f]{8})-[0-9a-f]{16}\.tmp$/;

/** Called with a path, and whether something is about to be there. */
export type TemporaryWatcher = (path: string, exists: boolean) => void;
let watch: TemporaryWatcher = () => {};

/**
 * Calls `watcher` for each temporary file and folder before it is made and when it is gone: for code that may have to
 * end this thread and remove them. One watcher a thread; the last one given.
 *
 * @example
 * watchTemporaries((path, exists) => console.log(path, exists));
 */
export function watchTemporaries(watcher: TemporaryWatcher): void {
  watch = watcher;
}

/**
 * A path in `directory` for a temporary file that is to be made. Its name shows the process: `fileSink` removes those
 * of processes that are gone from the folders that it writes into.
 *
 * @example
 * const path = newTemporary("/tmp");
 */
export function newTemporary(directory: string): string {
  const path = join(directory, `.rebasin-${process.pid}-${hostDigits()}-${randomDigits()}.tmp`);
  watch(path, true);
  return path;
}

/**
 * Reports to the watcher that a temporary file has another name now, or is gone.
 *
 * @example
 * const path = newTemporary("/tmp");
 * releaseTemporary(path);
 */
export function releaseTemporary(path: string): void {
  watch(path, false);
}

/** Removes it if it is there. */
export async function removeTemporary(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => {});
  releaseTemporary(path);
}

const tidied = new Set<string>();

/**
 * Removes temporary files of processes of this machine that are gone; once a directory. Those of other machines
 * (containers have their own names) stay: they may still be written.
 */
export async function removeStale(directory: string): Promise<void> {
  if (tidied.has(directory)) return;
  tidied.add(directory);
  const names = await readdir(directory).catch(() => []);
  for (const name of names) {
    const [, pid, host] = NAME.exec(name) ?? [];
    if (host === hostDigits() && !isAlive(Number(pid)))
      await rm(join(directory, name), { recursive: true, force: true }).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== "ESRCH";
  }
}

let host: string | undefined;

/** Eight digits of the machine's name (FNV-1a). */
function hostDigits(): string {
  if (host !== undefined) return host;
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(hostname())) hash = Math.imul(hash ^ byte, 0x01000193);
  host = (hash >>> 0).toString(16).padStart(8, "0");
  return host;
}

/** 16 hexadecimal digits. Not from the seeded generator: this must differ between runs, and no output depends on it. */
function randomDigits(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
