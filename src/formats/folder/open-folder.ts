/**
 * Opens a folder as Hugging Face's libraries write it (https://huggingface.co/docs/transformers/main/big_models, "Sharded
 * checkpoints"): a model in one file or in shards, safetensors or PyTorch's, diffusers' parts too. The index decides.
 */

import { FormatError } from "../../base/errors.ts";
import type { Model, TensorInfo } from "../../base/model.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import type { Files } from "../../io/files.ts";
import type { OpenOptions } from "../open-options.ts";
import { headOf, openSource } from "../open-source.ts";
import { chooseFile, holdsWeights } from "./choose-file.ts";
import type { FolderContainer, OpenedPart } from "./folder-container.ts";
import { joinParts } from "./join-parts.ts";
import { openParts } from "./open-parts.ts";
import { looksLikeIndex, readIndex } from "./shard-index.ts";

/**
 * Opens the model of a folder. Rejects with `FormatError` when there is none, or when nothing decides between
 * several.
 */
export async function openFolder(files: Files, options: OpenOptions): Promise<Model> {
  const name = options.name ?? files.name;
  const list = await files.list?.(options.signal);
  if (list === undefined) throw new FormatError(`${name} cannot be listed, expected the name of a model file in it`);
  const { path, others } = chooseFile(list, name);
  const source = await files.open(path, options.signal);
  if (source === undefined) throw new FormatError(`${name} has no ${path} any more, expected its model`);
  try {
    const head = await headOf(source, options.signal);
    if (looksLikeIndex(head, path)) return await openIndex(source, files, { ...options, name }, path, others);
    const model = await openSource(source, head, { ...options, files });
    return folderModel(name, [{ path, model }], { files, index: undefined, notes: [] }, others);
  } catch (error) {
    await source.close?.();
    throw error;
  }
}

/**
 * Opens the shards that an index names; `path` is where the index is among `files`, and `others` are files beside it
 * that are known not to be read. Closes `source`, the index, when all is well.
 */
export async function openIndex(
  source: ByteSource,
  files: Files,
  options: OpenOptions,
  path: string,
  others: readonly string[] = [],
): Promise<Model> {
  const { signal } = options;
  const index = await readIndex(source, signal);
  const bytes = (await source.slice(0, source.byteLength, signal)).slice();
  const parts = await openParts(index.shards, files, source.name, options);
  try {
    const notes = joinParts(parts, index, source.name);
    const list = (await files.list?.(signal)) ?? [];
    const stray = list.filter((file) => isStray(file, path) && !index.shards.includes(file) && !others.includes(file));
    const context = { files, index: { path, bytes }, notes };
    const model = folderModel(options.name ?? source.name, parts, context, [...others, ...stray]);
    await source.close?.();
    return model;
  } catch (error) {
    for (const part of parts) await part.model.close?.();
    throw error;
  }
}

/** Weights in the same folder as the index. */
function isStray(file: string, index: string): boolean {
  const folder = index.slice(0, index.lastIndexOf("/") + 1);
  return file !== index && file.startsWith(folder) && !file.slice(folder.length).includes("/") && holdsWeights(file);
}

interface Context extends Pick<FolderContainer, "files" | "index"> {
  readonly notes: readonly (readonly [label: string, text: string])[];
}

function folderModel(name: string, parts: readonly OpenedPart[], context: Context, notRead: readonly string[]): Model {
  const homes = new Map<string, Model>();
  const tensors = new Map<string, TensorInfo>();
  for (const { model } of parts) {
    for (const [tensor, info] of model.tensors) {
      homes.set(tensor, model);
      tensors.set(tensor, info);
    }
  }
  const metadata = parts[0]!.model.metadata;
  const { files, index, notes } = context;
  const container: FolderContainer = { files, index, parts, tensors, metadata };
  return {
    name,
    tensors,
    metadata,
    origin: { format: "folder", details: [...detailsOf(parts, index), ...notes, ...notReadNote(notRead)], container },
    async read(tensor, signal, into, part) {
      // Of an unknown one the first part says so.
      return (homes.get(tensor) ?? parts[0]!.model).read(tensor, signal, into, part);
    },
    async close() {
      for (const { model } of parts) await model.close?.();
    },
  };
}

function detailsOf(parts: readonly OpenedPart[], index: FolderContainer["index"]): [string, string][] {
  const formats = new Set(parts.map(({ model }) => model.origin?.format ?? "unknown"));
  const what: [string, string] =
    index === undefined
      ? ["file", `${parts[0]!.path} (${[...formats]})`]
      : ["shards", `${parts.length} (${[...formats]})`];
  const [first] = parts;
  return [
    what,
    ...(parts.length === 1 ? (first!.model.origin?.details ?? []) : []).map(([a, b]): [string, string] => [a, b]),
  ];
}

function notReadNote(files: readonly string[]): [string, string][] {
  return files.length === 0 ? [] : [["not read", [...files].join(", ")]];
}
