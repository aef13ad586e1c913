/** What files that were chosen or dropped are models: each by itself, or all of them one in a folder. */

import type { NamedBlob } from "./calls.ts";

/** Files of models, by their endings. */
const WEIGHTS = /\.(safetensors|bin|pt|pth|ckpt|npz|npy|onnx|msgpack|keras|h5|hdf5)$/i;

/** What TensorFlow.js keeps a model in: JSON, and files of weights that may have no ending. */
const TFJS = /(^|[-_.])(model|weights_manifest)\.json$/i;
const TFJS_WEIGHTS = /(\.bin|shard\d+(of\d+)?)$/i;

/** What shows that files are parts of one model: an index of shards, or a shard's number. */
const PART = /(\.index\.json|[-_]of[-_]\d{5,6}\.\w+)$/i;

/** Deeper, or with more files, a folder is no model's. */
const MAX_DEPTH = 4;
const MAX_FILES = 10_000;

/** Loose files: one model where they are shards, or where one has the weights; else one each. */
export function modelsAmong(files: readonly File[]): NamedBlob[] {
  const weights = files.filter(({ name }) => WEIGHTS.test(name));
  const json = files.filter(({ name }) => TFJS.test(name));
  const isTfjs = json.length === 1 && files.every((file) => file === json[0] || TFJS_WEIGHTS.test(file.name));
  const isOne = isTfjs || files.some(({ name }) => PART.test(name)) || weights.length === 1;
  if (files.length < 2 || !isOne) return files.map((file) => ({ name: file.name, blob: file }));
  const main = isTfjs ? json[0]! : (files.find(({ name }) => name.endsWith(".index.json")) ?? weights[0] ?? files[0]!);
  return [
    folderOf(
      main.name,
      files.map((file) => [file.name, file] as const),
    ),
  ];
}

/** The models of a drop: each folder is one. To be called while the drop is handled, before anything is awaited. */
export function modelsDropped(transfer: DataTransfer): Promise<NamedBlob[]> {
  const entries = [...transfer.items]
    .filter(({ kind }) => kind === "file")
    .map((item) => item.webkitGetAsEntry?.() ?? null);
  const loose = [...transfer.files].filter((_, at) => !entries[at]?.isDirectory);
  const folders = entries.filter((entry): entry is FileSystemDirectoryEntry => entry?.isDirectory === true);
  return readFolders(folders).then((models) => [...models, ...modelsAmong(loose)]);
}

async function readFolders(folders: readonly FileSystemDirectoryEntry[]): Promise<NamedBlob[]> {
  const models: NamedBlob[] = [];
  for (const folder of folders) {
    const files: (readonly [string, File])[] = [];
    await readInto(files, folder, "", 0);
    models.push(folderOf(folder.name, files));
  }
  return models;
}

/** A Blob of Blobs copies nothing; its size is theirs. */
function folderOf(name: string, folder: readonly (readonly [string, File])[]): NamedBlob {
  return { name, blob: new Blob(folder.map(([, file]) => file)), folder };
}

async function readInto(
  files: (readonly [string, File])[],
  folder: FileSystemDirectoryEntry,
  path: string,
  depth: number,
): Promise<void> {
  const reader = folder.createReader();
  for (;;) {
    // A hundred at a time, in Chromium.
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return;
    for (const entry of entries) {
      if (entry.isDirectory) {
        if (depth < MAX_DEPTH)
          await readInto(files, entry as FileSystemDirectoryEntry, `${path}${entry.name}/`, depth + 1);
        continue;
      }
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      files.push([path + entry.name, file]);
      if (files.length > MAX_FILES)
        throw new Error(`${folder.name} has more than ${MAX_FILES} files, expected a model's`);
    }
  }
}
