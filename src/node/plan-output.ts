/** What an output path means: one file or a folder, and in which format. */

import { stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import type { Model, Origin } from "../base/model.ts";
import { fileOrigin } from "../formats/folder/folder-container.ts";
import { planFolder } from "../formats/folder/write-folder.ts";
import type { Format } from "../formats/format.ts";
import { FORMATS, formatNamed } from "../formats/formats.ts";
import { writerOf } from "../formats/write-model.ts";

/** An output that was found possible. */
export interface OutputPlan {
  readonly kind: "file" | "folder";
  /** The format of the file, or of the files in the folder. */
  readonly format: Format;
  /** A note, if the path did not choose the format. */
  readonly note: string | undefined;
  /** Where `Model.metadata` goes when the format has no room for it. */
  readonly sidecar: string | undefined;
}

/** Options of `planOutput`. */
export interface OutputOptions {
  /** The container to write into: what decides where the path does not. */
  readonly like?: Origin | undefined;
  /** The format's name, with any path. */
  readonly format?: string | undefined;
  /** One file, for any `like`: for targets that are no path. */
  readonly isFile?: boolean | undefined;
  /** Asks for a folder of files of at most so many bytes of tensors. */
  readonly shardBytes?: number | undefined;
}

/** Endings of models that are read by others, and not written here: a file of another format must not be called so. */
const NOT_WRITTEN = [".gguf", ".tflite", ".pb"];

/**
 * Decides by the path's ending; without a known one the output is what `like` is.
 *
 * @throws {RangeError} in one line, before any work, when it could not be written so.
 */
export async function planOutput(
  model: Pick<Model, "name" | "tensors" | "metadata">,
  path: string,
  options: OutputOptions,
): Promise<OutputPlan> {
  const { like, shardBytes } = options;
  const ending = extname(path.replace(/[\\/]+$/, "")).toLowerCase();
  const named = /[\\/]$/.test(path) ? undefined : FORMATS.find((format) => format.endings.includes(ending));
  const isFolder = await meansFolder(path, named, options);
  const own = fileOrigin(like).format ?? "safetensors";
  if (isFolder) {
    const { parts } = await planFolder(model, { like, shardBytes, format: options.format });
    return { kind: "folder", format: formatNamed(parts[0]!.format), note: undefined, sidecar: undefined };
  }
  if (named === undefined && NOT_WRITTEN.includes(ending) && options.format === undefined)
    throw new RangeError(`${path} ends in ${ending}, which is not written, expected ${endingsText()}`);
  const format = options.format === undefined ? (named ?? formatNamed(own)) : formatNamed(options.format);
  if (named !== undefined && named !== format)
    throw new RangeError(
      `${path} would be ${format.title}, expected a name that ends in ${format.endings.join(" or ")}`,
    );
  const { like: into } = await writerOf(format, { ...model, name: path }, fileOrigin(like).like);
  const why = into === undefined ? "the name shows no format" : "as its source: the name shows no format";
  const note = named === undefined && options.format === undefined ? `${format.title}, ${why}` : undefined;
  return { kind: "file", format, note, sidecar: format.keepsMetadata ? undefined : `${path}.plan.json` };
}

/** A folder that is there, a name that ends in a slash, shards, or what came from a folder. */
async function meansFolder(path: string, named: Format | undefined, options: OutputOptions): Promise<boolean> {
  const { like, shardBytes, format, isFile } = options;
  if (isFile) return false;
  if (/[\\/]$/.test(path) || shardBytes !== undefined) return true;
  const isThere = await stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
  return (
    isThere ||
    (named === undefined && format === undefined && like?.format === "folder" && extname(basename(path)) === "")
  );
}

function endingsText(): string {
  return FORMATS.filter(({ fresh }) => fresh)
    .flatMap(({ endings }) => endings)
    .join(", ");
}
