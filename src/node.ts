/** Entry `rebasin/node`: everything of `rebasin`, and files by their paths. For Node, Deno and Bun. */

import { fileURLToPath } from "node:url";
import type { ClosingModel } from "./base/closing-model.ts";
import type { Model } from "./base/model.ts";
import { openModel as openSource } from "./formats/open-model.ts";
import type { OpenOptions } from "./formats/open-options.ts";
import { openModelFile } from "./node/open-model.ts";
import { type ModelSource, type Rebasin, type RebasinOptions, rebasin as rebasinSources } from "./plan/rebasin.ts";

export { axisTexts } from "./axes/axis-texts.ts";
export { prettySpec } from "./axes/spec-file.ts";
export { type ShardName, shardName } from "./formats/folder/shard-names.ts";
export * from "./index.ts";
export { type DataFolderOptions, readDataFolder, type Split } from "./node/data-folder.ts";
export { type FileSinkOptions, fileSink, saveText } from "./node/file-sink.ts";
export { fileSource } from "./node/file-source.ts";
export { folderFiles } from "./node/folder-files.ts";
export { findFolder } from "./node/folder-sink.ts";
export { type HeldOutputs, holdOutputs, whenFinished, writesAtOnce } from "./node/held-outputs.ts";
export { HUB_PREFIX } from "./node/hub-cache.ts";
export { type CardFacts, modelCard } from "./node/model-card.ts";
export {
  checkModelOutput,
  checkOutputFiles,
  type ModelOutput,
  type OutputChoice,
  type OutputGuard,
  type OutputWays,
  openModelOutput,
  openStreamOutput,
} from "./node/model-output.ts";
export { planFiles } from "./node/plan-files.ts";
export type { PlanFilesOptions } from "./node/plan-host.ts";
export { type OutputOptions, type OutputPlan, planOutput } from "./node/plan-output.ts";
export { type SaveOptions, saveModel } from "./node/save-model.ts";
export { saveSafetensors } from "./node/save-safetensors.ts";
export { codeOf, wordsOf } from "./node/system-error.ts";
export { findTarget, type Target } from "./node/target.ts";
export { newTemporary, releaseTemporary, type TemporaryWatcher, watchTemporaries } from "./node/temporaries.ts";
export { permutationsFingerprint } from "./perm/permutation-file.ts";
export { openModelFile };

/** A path, a URL (`file:` too), or anything `openModel` of `rebasin` takes. */
export type PathOrSource = string | Exclude<ModelSource, Model>;

/**
 * Opens a model from a path or any source. Only the header is read; close the model when done.
 *
 * @throws {FormatError} naming the path, for a file that is missing, malformed or of another format.
 *
 * @example
 * const model = await openModel("model.safetensors");
 */
export async function openModel(source: PathOrSource, options: OpenOptions = {}): Promise<ClosingModel> {
  if (typeof source === "string") return openModelFile(source, options);
  if (source instanceof URL && source.protocol === "file:") return openModel(fileURLToPath(source), options);
  return openSource(source, options);
}

/**
 * `rebasin` with paths for models. The merged model is lazy: it keeps both files open until its `close`.
 *
 * @example
 * const { model } = await rebasin("a.safetensors", "b.safetensors");
 * await saveModel(model, "merged.safetensors");
 * await model.close?.();
 */
export async function rebasin(
  a: ModelSource | string,
  b: ModelSource | string,
  options: RebasinOptions = {},
): Promise<Rebasin> {
  const opened: Model[] = [];
  const open = async (source: ModelSource | string): Promise<Model> => {
    if (typeof source === "object" && "tensors" in source) return source;
    const model = await openModel(source, { signal: options.signal });
    opened.push(model);
    return model;
  };
  try {
    return await rebasinSources(await open(a), await open(b), options);
  } catch (error) {
    for (const model of opened) await model.close?.();
    throw error;
  }
}
