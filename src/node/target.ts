/** Decides, before any work is done, whether a path may be written to, and which file it really is. */

import { lstat, readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { codeOf, wordsOf } from "./system-error.ts";

/** The real file behind a path; `mode` are the permission bits of the file that will be replaced. */
export interface Target {
  readonly path: string;
  readonly mode: number | undefined;
}

/**
 * Follows links and checks everything `fileSink` promises.
 *
 * @throws {RangeError} as `fileSink` does.
 */
export async function findTarget(
  path: string,
  { force, inputs }: { readonly force: boolean; readonly inputs: readonly string[] },
): Promise<Target> {
  const real = await followLinks(path);
  const facts = await statOrNothing(real);
  for (const input of inputs) {
    if (await isSameFile(real, input)) {
      throw new RangeError(`${path} is the same file as input ${input}, expected another file`);
    }
  }
  for (const input of inputs) {
    if (facts !== undefined && (await isInFolderOf(real, input)))
      throw new RangeError(`${path} is in the folder of input ${input}, expected another file`);
  }
  if (facts === undefined) return { path: real, mode: undefined };
  if (!facts.isFile()) {
    throw new RangeError(
      `${path} is ${facts.isDirectory() ? "a directory" : "not a regular file"}, expected a file name`,
    );
  }
  if (!force) throw new RangeError(`${path} already exists, expected a new file (or force: true)`);
  return { path: real, mode: Number(facts.mode & 0o777n) };
}

/** True when something has this name, a dangling link included. */
export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** As many links in a row as Linux follows. */
const MAX_LINKS = 40;

/** The path without links in it. The last part need not exist: a link to nothing leads to where a file would go. */
async function followLinks(path: string): Promise<string> {
  let current = resolve(path);
  for (let links = 0; links < MAX_LINKS; links++) {
    const real = join(await realDirectory(path, dirname(current)), basename(current));
    const next = await readlink(real).catch(() => undefined);
    if (next === undefined) return real;
    current = resolve(dirname(real), next);
  }
  throw new RangeError(`${path} leads through more than ${MAX_LINKS} symbolic links, expected fewer`);
}

async function realDirectory(path: string, directory: string): Promise<string> {
  let real: string;
  try {
    real = await realpath(directory);
    if ((await stat(real)).isDirectory()) return real;
  } catch (cause) {
    const isMissing = codeOf(cause) === "ENOENT" || codeOf(cause) === "ENOTDIR";
    const what = isMissing ? "no such directory" : wordsOf(cause);
    throw new RangeError(`${path} cannot be created in ${directory} (${what}), expected an existing directory`, {
      cause,
    });
  }
  throw new RangeError(`${path} cannot be created in ${real} (not a directory), expected an existing directory`);
}

/** As big integers: file numbers of some file systems need 64 bits. */
async function statOrNothing(path: string) {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw new RangeError(`${path} cannot be looked at (${wordsOf(error)}), expected a file name`, { cause: error });
  }
}

/** True for a file of a folder that is an input, or of an index of shards that is one. */
async function isInFolderOf(target: string, input: string): Promise<boolean> {
  const folder = await realpath(input.endsWith(".index.json") ? dirname(resolve(input)) : input).catch(() => undefined);
  if (folder === undefined || !target.startsWith(folder + sep)) return false;
  return (await stat(folder)).isDirectory();
}

/** By name, which also catches a file that does not exist yet, and by device and file number: hard links too. */
async function isSameFile(target: string, input: string): Promise<boolean> {
  const real = await realpath(input).catch(() => resolve(input));
  if (real === target) return true;
  const [a, b] = await Promise.all([target, real].map((path) => stat(path, { bigint: true }).catch(() => undefined)));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
