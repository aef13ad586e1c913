/**
 * The files beside a file: a model may be several. Each runtime has its own kind of folder; formats know only
 * `Files`.
 */

import { describe } from "../base/describe.ts";
import { FormatError } from "../base/errors.ts";
import { type ByteSource, blobSource } from "./byte-source.ts";

/** A folder of files: on a disk, under a URL, dropped on a page, in an archive. Paths have `/` between their parts. */
export interface Files {
  /** For messages: the folder's path, the URL, "3 files". */
  readonly name: string;
  /**
   * Opens the file at `path`, relative to the folder; undefined when there is none. The caller closes it.
   *
   * Rejects with `FormatError` for a path that is not inside the folder (see `checkInnerPath`), and for what is no
   * file.
   */
  open(path: string, signal?: AbortSignal): Promise<ByteSource | undefined>;
  /**
   * Paths of the files in the folder, sorted, those of folders in it too. Absent where they are unknown: under a
   * URL.
   */
  list?(signal?: AbortSignal): Promise<readonly string[]>;
}

/** Longer paths are refused by every system that has files. */
const MAX_PATH = 4096;

/**
 * Throws `FormatError` unless `path` can only lead inside its folder. Refused: `..`, `.`, empty parts, absolute paths
 * (also those of Windows and URLs), backslashes, control characters. `where` begins the message.
 *
 * @example
 * checkInnerPath("model-00001-of-00002.safetensors", "model.safetensors.index.json");
 */
export function checkInnerPath(path: string, where: string): void {
  const isInner =
    path.length <= MAX_PATH &&
    // A colon ends a scheme, a drive, or the name of a file with several streams.
    !/[\\:\p{Cc}\p{Surrogate}]/u.test(path) &&
    // Windows drops dots and spaces at the end of a name: ".. " is "..".
    path.split("/").every((part) => !/^[. ]*$/.test(part));
  if (isInner) return;
  throw new FormatError(`${where} names the file ${describe(path)}, expected a path inside the model's folder`);
}

/**
 * Files that a user chose or dropped, by their names; those of a chosen folder by their paths in it.
 *
 * @throws {FormatError} when two have the same path.
 *
 * @example
 * const model = await openModel(droppedFiles(input.files));
 */
export function droppedFiles(files: Iterable<File>): Files {
  const byPath = new Map<string, File>();
  for (const file of files) {
    const path = pathOf(file);
    if (byPath.has(path)) throw new FormatError(`${path} is given twice, expected files of one folder`);
    byPath.set(path, file);
  }
  const all = shorten(byPath);
  return blobFiles(all.files, all.folder ?? `${all.files.size} files`);
}

/**
 * Blobs as a folder, by their paths in it; `name` is for messages.
 *
 * @example
 * const files = blobFiles(new Map([["model.safetensors", file]]), "my model");
 */
export function blobFiles(blobs: ReadonlyMap<string, Blob>, name = `${blobs.size} files`): Files {
  return {
    name,
    async open(path, signal) {
      signal?.throwIfAborted();
      checkInnerPath(path, name);
      const blob = blobs.get(path);
      return blob && blobSource(blob, path);
    },
    async list() {
      return [...blobs.keys()].sort();
    },
  };
}

/** The path below the folder that was chosen, which comes first in it; the name of a file that was chosen alone. */
function pathOf(file: File): string {
  const { webkitRelativePath } = file as Partial<File>;
  return webkitRelativePath === undefined || webkitRelativePath === "" ? file.name : webkitRelativePath;
}

/** Paths without the folder that all of them begin with. */
function shorten(files: ReadonlyMap<string, File>): { folder: string | undefined; files: ReadonlyMap<string, File> } {
  const [first = ""] = files.keys();
  const folder = first.slice(0, first.indexOf("/") + 1);
  if (folder === "" || ![...files.keys()].every((path) => path.startsWith(folder))) return { folder: undefined, files };
  const inside = [...files].map(([path, file]) => [path.slice(folder.length), file] as const);
  return { folder: folder.slice(0, -1), files: new Map(inside) };
}
