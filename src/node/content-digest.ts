/** The digest of an input's bytes: of a file its SHA-256, of a folder one of all its files. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { FormatError } from "../base/errors.ts";
import { HUB_PREFIX, hubFolder } from "./hub-cache.ts";
import { codeOf, wordsOf } from "./system-error.ts";

/** Files of a folder at most: a plan's folder holds shards and images, not a disk. */
const MOST_FILES = 10_000;

/** 64 hexadecimal digits for a file; `folder `, and as many, for a folder and for `hf:` names. */
export async function contentDigest(path: string, signal?: AbortSignal): Promise<string> {
  const place = path.startsWith(HUB_PREFIX) ? await hubFolder(path) : path;
  const facts = await stat(place).catch((error) => {
    throw new FormatError(`${path}: ${wordsOf(error)}, expected a file or folder to read`, { cause: error });
  });
  return facts.isDirectory() ? `folder ${await folderDigest(place, signal)}` : fileDigest(place, signal);
}

async function folderDigest(folder: string, signal?: AbortSignal): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() || entry.isSymbolicLink());
  if (files.length > MOST_FILES)
    throw new FormatError(`${folder} has ${files.length} files, expected at most ${MOST_FILES} in an input`);
  const hash = createHash("sha256");
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  for (const path of paths.sort()) {
    if (!(await stat(path)).isFile()) continue;
    hash.update(`${path.slice(folder.length)}\0${await fileDigest(path, signal)}\n`);
  }
  return hash.digest("hex");
}

/** Lower-case hexadecimal SHA-256 of a file's bytes, as `sha256sum` prints it. */
export async function fileDigest(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const part of createReadStream(path, { highWaterMark: 2 ** 20 })) {
      signal?.throwIfAborted();
      hash.update(part);
    }
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    throw new FormatError(`${path}: ${wordsOf(error)}, expected a model file`, { cause: error });
  }
  return hash.digest("hex");
}
