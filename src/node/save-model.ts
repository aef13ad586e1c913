/** Writes a model to a path, whole or not at all. */

import type { Model } from "../base/model.ts";
import type { Running } from "../base/options.ts";
import { writeSafetensors } from "../formats/safetensors/write-safetensors.ts";
import { fileSink } from "./file-sink.ts";

/** Options of `saveModel`. */
export interface SaveOptions extends Running {
  /** Replace an existing file. Default false: refused. */
  readonly force?: boolean | undefined;
  /** Paths that must never be the target, whatever `force` says: the files the model reads from. */
  readonly inputs?: readonly string[] | undefined;
}

/**
 * Writes `model` as safetensors, tensor by tensor, to a temporary file beside `path` that takes its name at the end.
 *
 * Rejects with `RangeError` when the target exists (unless `force`), is an input, or cannot be written, and with the
 * signal's reason when aborted; then nothing is left behind and an old file stays as it was.
 *
 * @example
 * await saveModel(merged, "merged.safetensors", { inputs: ["a.safetensors", "b.safetensors"] });
 */
export async function saveModel(model: Model, path: string, options: SaveOptions = {}): Promise<void> {
  const { force = false, inputs = [], signal, onProgress } = options;
  const sink = await fileSink(path, { force, inputs });
  await writeSafetensors(model, sink, { signal, onProgress });
}
