/** A folder that holds a model in one file or in shards: what was opened of it, for reading and for writing back. */

import type { Model, TensorInfo } from "../../base/model.ts";
import type { Files } from "../../io/files.ts";

/** One file of the model. */
export interface Part {
  /** Relative to the folder. */
  readonly path: string;
  readonly model: Model;
}

/** The container of origins of format "folder". */
export interface FolderContainer {
  readonly files: Files;
  /** The index, byte for byte; undefined for a model in one file. */
  readonly index: { readonly path: string; readonly bytes: Uint8Array } | undefined;
  readonly parts: readonly Part[];
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
}
