/**
 * Writes a model as a folder: its files, their index, the files beside them, and a card that records how it was
 * made.
 */

import type { Model } from "../../base/model.ts";
import { byBytes } from "../../base/progress-by-work.ts";
import { tensorBytes } from "../../base/tensor-bytes.ts";
import type { FolderSink } from "../../io/sink.ts";
import { copyRange } from "../../io/write-patched.ts";
import { writeThenClose } from "../../io/write-then-close.ts";
import type { FormatWriteOptions } from "../format.ts";
import { formatNamed } from "../formats.ts";
import { FOLDER_SIDECAR, sidecarText } from "../sidecar.ts";
import { writerOf } from "../write-model.ts";
import { companions } from "./companions.ts";
import { type FolderContainer, fileOrigin } from "./folder-container.ts";
import { namesOf, newParts, type PlannedPart, sameParts } from "./plan-parts.ts";
import { formatIndex } from "./shard-index.ts";
import { indexName } from "./shard-names.ts";

/** Options of `writeFolder`. */
export interface FolderWriteOptions extends FormatWriteOptions {
  /** Bytes of tensors in a file at most. By default the files are those of `like`, or there is one. */
  readonly shardBytes?: number | undefined;
  /** The format of new files: by default that of `like`'s files, else "safetensors". */
  readonly format?: string | undefined;
  /** Copy the files beside the model that `like` came from: configuration, tokenizer, licence. Default true. */
  readonly copy?: boolean | undefined;
  /** The text of a README.md; without it there is none. */
  readonly card?: string | undefined;
}

/** A plan of the files of a folder, made before any work. */
export interface FolderPlan {
  readonly parts: readonly PlannedPart[];
  /** The index's path and text or bytes; undefined for one file. */
  readonly index: { readonly path: string; readonly bytes: Uint8Array } | undefined;
  /** Why the files are not those of the folder that the model came from; undefined where that was asked for. */
  readonly note: string | undefined;
}

/** Throws `RangeError` when a file could not hold its tensors. */
export async function planFolder(
  model: Pick<Model, "name" | "tensors" | "metadata">,
  options: FolderWriteOptions,
): Promise<FolderPlan> {
  const { like, shardBytes } = options;
  const container = like?.format === "folder" ? (like.container as FolderContainer) : undefined;
  const isSame = shardBytes === undefined && (options.format ?? fileOrigin(like).format) === fileOrigin(like).format;
  const own = isSame ? container : undefined;
  const same = own && sameParts(model, own);
  // Other tensors than the folder's: shards as large as its own.
  const size = shardBytes ?? (own?.index && largestPart(own));
  const parts = same ?? freshParts(model, { ...options, shardBytes: size }, container);
  for (const part of parts) await writerOf(formatNamed(part.format), { ...model, tensors: part.tensors }, part.like);
  if (same !== undefined) return { parts, index: own!.index, note: undefined };
  const note = own && `the files are new: the tensors are others than in ${own.files.name}`;
  return { parts, index: newIndex(parts), note };
}

function largestPart({ parts }: FolderContainer): number {
  const sizes = parts.map(({ model }) => [...model.tensors.values()].reduce((sum, info) => sum + tensorBytes(info), 0));
  return Math.max(1, ...sizes);
}

/** New files; one that is written into the file that the model came from, where that is of the format. */
function freshParts(
  model: Pick<Model, "tensors" | "metadata">,
  { like, shardBytes, format }: FolderWriteOptions,
  container: FolderContainer | undefined,
): PlannedPart[] {
  const file = fileOrigin(like);
  const wanted = formatNamed(format ?? file.format ?? "safetensors");
  const known = wanted.fresh || file.like?.format === wanted.name ? wanted : formatNamed("safetensors");
  const first = container?.parts[0];
  const path = first?.model.origin?.format === known.name ? first.path : (known.inFolder ?? `model${known.endings[0]}`);
  const parts = newParts(model, { ...namesOf(path), format: known.name }, shardBytes);
  return parts.length === 1 && file.like?.format === known.name ? [{ ...parts[0]!, like: file.like }] : parts;
}

function newIndex(parts: readonly PlannedPart[]): FolderPlan["index"] {
  if (parts.length === 1) return undefined;
  const weightMap = new Map<string, string>();
  let total = 0;
  for (const { path, tensors } of parts) {
    for (const [name, info] of tensors) {
      weightMap.set(name, path);
      total += tensorBytes(info);
    }
  }
  return { path: indexName(namesOf(parts[0]!.path)), bytes: new TextEncoder().encode(formatIndex(weightMap, total)) };
}

/**
 * Writes `model` to a folder and closes that. The files are those of the folder it came from (`like`), each a copy with
 * other tensors, or new ones. Resolves to notes for people.
 *
 * When writing fails, the folder's `abort` runs, then the promise rejects with the first error, or with the reason of
 * an aborted signal.
 *
 * @throws {RangeError} when a file cannot hold its tensors.
 */
export async function writeFolder(
  model: Model,
  folder: FolderSink,
  options: FolderWriteOptions = {},
): Promise<readonly string[]> {
  const settings = { ...options, like: options.like ?? model.origin };
  try {
    const plan = await planFolder(model, settings);
    const notes = await writeParts(model, folder, plan.parts, settings);
    const written = new Set([...plan.parts.map(({ path }) => path), plan.index?.path]);
    if (settings.copy !== false) await copyCompanions(folder, settings, written);
    if (settings.card !== undefined) await writeText(folder, "README.md", settings.card);
    const sidecar = plan.parts.some(({ format }) => formatNamed(format).keepsMetadata)
      ? undefined
      : sidecarText(model.metadata);
    if (sidecar !== undefined) await writeText(folder, FOLDER_SIDECAR, sidecar);
    // Last: with it the folder is complete.
    if (plan.index !== undefined) await writeBytes(folder, plan.index.path, plan.index.bytes);
    settings.signal?.throwIfAborted();
    await folder.close();
    return plan.note === undefined ? notes : [plan.note, ...notes];
  } catch (error) {
    await folder.abort().catch(() => {});
    throw error;
  }
}

async function writeParts(
  model: Model,
  folder: FolderSink,
  parts: readonly PlannedPart[],
  { signal, dtype, onProgress }: FolderWriteOptions,
): Promise<string[]> {
  const notes = new Set<string>();
  const sizes = parts.flatMap((part) => [...part.tensors.values()].map((info) => tensorBytes(info)));
  const report = byBytes(onProgress, sizes);
  let before = 0;
  for (const { path, tensors, metadata, format, like } of parts) {
    if (await folder.has?.(path)) {
      before += tensors.size;
      report?.({ stage: "write", done: before, total: model.tensors.size });
      continue;
    }
    const part: Model = { name: `${model.name} ${path}`, tensors, metadata, read: (...words) => model.read(...words) };
    const { write } = await writerOf(formatNamed(format), part, like);
    const shift = before;
    const within = path.slice(0, path.lastIndexOf("/") + 1);
    const some = await write(part, await folder.create(path), {
      like,
      dtype,
      create: (beside) => folder.create(within + beside),
      signal,
      onProgress:
        report && ((progress) => report({ ...progress, done: shift + progress.done, total: model.tensors.size })),
    });
    before += tensors.size;
    for (const note of some) notes.add(note);
  }
  return [...notes];
}

async function copyCompanions(
  folder: FolderSink,
  { like, signal }: FolderWriteOptions,
  written: ReadonlySet<string | undefined>,
): Promise<void> {
  if (like?.format !== "folder") return;
  const { files } = like.container as FolderContainer;
  for (const path of companions((await files.list?.(signal)) ?? [])) {
    if (written.has(path)) continue;
    const source = await files.open(path, signal);
    if (source === undefined) continue;
    try {
      const sink = await folder.create(path);
      await writeThenClose(sink, signal, () => copyRange(source, 0, source.byteLength, sink, signal));
    } finally {
      await source.close?.();
    }
  }
}

const writeText = (folder: FolderSink, path: string, text: string): Promise<void> =>
  writeBytes(folder, path, new TextEncoder().encode(text));

async function writeBytes(folder: FolderSink, path: string, bytes: Uint8Array): Promise<void> {
  const sink = await folder.create(path);
  await writeThenClose(sink, undefined, () => sink.write(bytes));
}
