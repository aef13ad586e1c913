/** Writes a model to a path, whole or not at all. */

import type { Model, Origin } from "../base/model.ts";
import type { Running } from "../base/options.ts";
import { byBytes } from "../base/progress-by-work.ts";
import { tensorBytes } from "../base/tensor-bytes.ts";
import { writeFolder } from "../formats/folder/write-folder.ts";
import { sidecarText } from "../formats/sidecar.ts";
import { writeModel } from "../formats/write-model.ts";
import { fileGroup } from "./file-group.ts";
import { saveText } from "./file-sink.ts";
import { folderSink } from "./folder-sink.ts";
import { planOutput } from "./plan-output.ts";

/** Options of `saveModel`. */
export interface SaveOptions extends Running {
  /** Replace an existing file. Default false: refused. */
  readonly force?: boolean | undefined;
  /** Paths that must never be the target, even with `force`: the files the model reads from. */
  readonly inputs?: readonly string[] | undefined;
  /** The format's name, such as "safetensors". By default the path's ending decides, else the model's source. */
  readonly format?: string | undefined;
  /** "F32": what the container keeps quantised (TensorFlow.js) is kept as it is from now on. */
  readonly dtype?: "F32" | undefined;
  /** The container to write into, where it has that format: that which the model came from, by default. */
  readonly like?: Origin | undefined;
  /** Folders: bytes of tensors in a file at most. By default the files are those that the model came from. */
  readonly shardBytes?: number | undefined;
  /** Folders: copy configuration, tokenizer and licence from the folder that the model came from. Default true. */
  readonly copy?: boolean | undefined;
  /** Folders: the text of their README.md. */
  readonly card?: string | undefined;
  /**
   * Folders: writing that stops leaves whole files in `PATH.partial`, and writing that begins again takes them from
   * there. Resolves to what decides the bytes, by name: files of anything else are refused.
   */
  readonly keepParts?: (() => Promise<ReadonlyMap<string, string>>) | undefined;
}

/**
 * Writes `model`, tensor by tensor, to a temporary file beside `path` that gets its name at the end. The path's ending
 * decides the format. Without a known ending it is the format of the file or folder that the model, or its source
 * model, came from. In the same format the output is a copy of that with other tensors. A path that ends in `/` is a
 * folder. Metadata that the format has no room for go to `PATH.plan.json`.
 *
 * Resolves to notes for people, such as that an optimizer's state belongs to the old tensors. After a failure or an
 * abort nothing is left behind (unless `keepParts` is given), and an old file stays as it was.
 *
 * @throws {RangeError} when the target exists (unless `force`), is an input, cannot be written, or cannot hold the
 * model. Also for files in `PATH.partial` that are of another model (`keepParts`).
 *
 * @example
 * await saveModel(merged, "merged.safetensors", { inputs: ["a.safetensors", "b.safetensors"] });
 */
export async function saveModel(model: Model, path: string, options: SaveOptions = {}): Promise<readonly string[]> {
  const { force = false, inputs = [], like = model.origin, signal, onProgress, format, dtype, shardBytes } = options;
  const plan = await planOutput(model, path, { like, format, shardBytes });
  const target = { force, inputs };
  if (plan.kind === "folder") {
    const { copy, card, keepParts } = options;
    const folder = await folderSink(path, { ...target, keepParts });
    return writeFolder(model, folder, { like, format, shardBytes, copy, card, dtype, signal, onProgress });
  }
  const sidecar = plan.sidecar === undefined ? undefined : sidecarText(model.metadata);
  const { sink, create } = await fileGroup(path, target);
  const sizes = [...model.tensors.values()].map((info) => tensorBytes(info));
  const how = { signal, onProgress: byBytes(onProgress, sizes) };
  const notes = await writeModel(model, sink, { format: plan.format.name, like, create, dtype, ...how });
  if (sidecar === undefined) return notes;
  await saveText(sidecar, plan.sidecar!, target);
  return [...notes, `how it was made is in ${plan.sidecar}: the format has no room for it`];
}
