/** Opens a model by its path. */

import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { ClosingModel } from "../base/closing-model.ts";
import { openModel } from "../formats/open-model.ts";
import type { OpenOptions } from "../formats/open-options.ts";
import type { Files } from "../io/files.ts";
import { fileSource } from "./file-source.ts";
import { folderFiles } from "./folder-files.ts";
import { HUB_PREFIX, hubFolder } from "./hub-cache.ts";

/**
 * Opens a model file, an index of shards, a folder as Hugging Face's libraries write it, or `hf:org/name[@revision]`
 * from their local cache. Only the index is read; files stay open for `read` until `close`.
 *
 * @throws {FormatError} naming the path, for a file that is missing, unreadable, malformed or of a format that is not
 * read.
 *
 * @example
 * const model = await openModelFile("model.safetensors");
 * const raw = await model.read("fc.weight");
 * await model.close?.();
 */
export async function openModelFile(path: string, options: OpenOptions = {}): Promise<ClosingModel> {
  const folder = path.startsWith(HUB_PREFIX) ? await hubFolder(path) : path;
  if (await isFolder(folder))
    return openModel(options.files ?? (await folderFiles(folder)), { name: path, ...options });
  const source = await fileSource(folder);
  try {
    return await openModel(source, { ...options, files: options.files ?? filesBeside(folder) });
  } catch (error) {
    await source.close?.();
    throw error;
  }
}

/** The files beside a file, looked at on demand: most models are one file. */
function filesBeside(path: string): Files {
  let opened: Promise<Files> | undefined;
  const folder = (): Promise<Files> => (opened ??= folderFiles(dirname(path)));
  return {
    name: dirname(path),
    open: async (inside, signal) => (await folder()).open(inside, signal),
    list: async (signal) => (await folder()).list!(signal),
  };
}

/** Opening a path shows all other faults. */
async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}
