/** Opens a model by its path. */

import type { Model } from "../base/model.ts";
import { openModel } from "../formats/open-model.ts";
import { fileSource } from "./file-source.ts";

/**
 * Opens a safetensors file. Only the header is read; the file stays open for `read` until `close`.
 *
 * Rejects with `FormatError`, naming the path, for a file that is missing, unreadable, malformed or of another format.
 *
 * @example
 * const model = await openModelFile("model.safetensors");
 * const raw = await model.read("fc.weight");
 * await model.close?.();
 */
export async function openModelFile(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<Model> {
  const source = await fileSource(path);
  try {
    return await openModel(source, options);
  } catch (error) {
    await source.close?.();
    throw error;
  }
}
