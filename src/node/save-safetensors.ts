/** Writes this project's files: permutations, side files, checkpoints. They are safetensors under any name. */

import type { Model } from "../base/model.ts";
import type { OnProgress } from "../base/progress.ts";
import { writeSafetensors } from "../formats/safetensors/write-safetensors.ts";
import { type FileSinkOptions, fileSink } from "./file-sink.ts";

/** By the rules of `fileSink`. */
export async function saveSafetensors(
  model: Model,
  path: string,
  options: FileSinkOptions & {
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: OnProgress | undefined;
  },
): Promise<void> {
  const { signal, onProgress, ...target } = options;
  await writeSafetensors(model, await fileSink(path, target), { signal, onProgress });
}
