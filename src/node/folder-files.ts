/** A folder of a disk as `Files`: Node, Deno and Bun. */

import { readdir, realpath, stat } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { FormatError } from "../base/errors.ts";
import type { ByteSource } from "../io/byte-source.ts";
import { checkInnerPath, type Files } from "../io/files.ts";
import { fileSource } from "./file-source.ts";
import { codeOf, wordsOf } from "./system-error.ts";

/** Folders in folders that are listed: deeper files are no part of a model. */
const MAX_DEPTH = 4;

/** Files that are listed at most: a folder of more is not a model's. */
const MAX_FILES = 100_000;

/**
 * The files in `folder`. Symbolic links are followed if they stay in it, or lead from a snapshot of Hugging Face's
 * cache to its blobs. Others are refused, as is every path that leads out.
 *
 * @throws {FormatError} when there is no such folder.
 *
 * @example
 * const model = await openModel(await folderFiles("hf-model"));
 */
export async function folderFiles(folder: string): Promise<Files> {
  const root = await realFolder(folder);
  return {
    name: folder,
    async open(path) {
      checkInnerPath(path, folder);
      const shown = join(folder, path);
      const real = await realFile(join(root, ...path.split("/")), shown);
      if (real === undefined) return undefined;
      if (!isInside(real, root) && !isBlob(real, root))
        throw new FormatError(`${shown} is a link to ${real}, expected a file inside ${folder}`);
      return renamed(await fileSource(real), shown);
    },
    async list() {
      const found: string[] = [];
      await listInto(found, root, "", folder, 0);
      return found.sort();
    },
  };
}

async function realFolder(folder: string): Promise<string> {
  let real: string;
  try {
    real = await realpath(folder);
    if ((await stat(real)).isDirectory()) return real;
  } catch (cause) {
    const words = codeOf(cause) === "ENOENT" ? "is not there" : wordsOf(cause);
    throw new FormatError(`${folder} ${words}, expected a folder with a model`, { cause });
  }
  throw new FormatError(`${folder} is no folder, expected a folder with a model`);
}

/**
 * The file behind a path; undefined when there is none. A link to nothing is a fault: the file was meant to be
 * there.
 */
async function realFile(path: string, shown: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new FormatError(`${shown}: ${wordsOf(cause)}, expected a readable file`, { cause });
  }
}

const isInside = (real: string, folder: string): boolean =>
  real.startsWith(folder.endsWith(sep) ? folder : folder + sep);

/** True for a blob of the repository that `root` is a snapshot of: `models--org--name/snapshots/COMMIT` → `…/blobs`. */
function isBlob(real: string, root: string): boolean {
  for (let commit = root; ; ) {
    const parent = dirname(commit);
    if (parent === commit) return false;
    const repository = dirname(parent);
    if (parent === join(repository, "snapshots")) return isInside(real, join(repository, "blobs"));
    commit = parent;
  }
}

async function listInto(found: string[], root: string, folder: string, shown: string, depth: number): Promise<void> {
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (depth < MAX_DEPTH) await listInto(found, root, path, shown, depth + 1);
      continue;
    }
    found.push(path);
    if (found.length > MAX_FILES)
      throw new FormatError(`${shown} has more than ${MAX_FILES} files, expected a folder with one model`);
  }
}

/** The source under the path that people know it by. */
function renamed(source: ByteSource, name: string): ByteSource {
  return {
    name,
    byteLength: source.byteLength,
    slice: (start, end, signal) => source.slice(start, end, signal),
    close: async () => source.close?.(),
  };
}
