/** A folder that holds a model in one file or in shards: what was opened of it, for reading and for writing back. */

import type { Model, Origin, TensorInfo } from "../../base/model.ts";
import type { Files } from "../../io/files.ts";

/** One file of the model. */
export interface OpenedPart {
  /** Relative to the folder. */
  readonly path: string;
  readonly model: Model;
}

/** The container of origins of format "folder". */
export interface FolderContainer {
  readonly files: Files;
  /** The index, byte for byte; undefined for a model in one file. */
  readonly index: { readonly path: string; readonly bytes: Uint8Array } | undefined;
  readonly parts: readonly OpenedPart[];
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * What a model's origin is to a single file: the format to write, and the container of that format, if it was one
 * file.
 */
export function fileOrigin(like: Origin | undefined): {
  readonly format: string | undefined;
  readonly like: Origin | undefined;
} {
  if (like?.format !== "folder") return { format: like?.format, like };
  const { parts } = like.container as FolderContainer;
  const { origin } = parts[0]!.model;
  return { format: origin?.format, like: parts.length === 1 ? origin : undefined };
}
