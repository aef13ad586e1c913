/** Models that are read many times: once from their file, then from memory. */

import { memoryModel, type TensorData } from "./memory-model.ts";
import type { Model } from "./model.ts";
import type { Running } from "./options.ts";

/** The model with all its tensors in memory: a copy. Reports stage `read`. */
export async function keepModel(model: Model, options: Running = {}): Promise<Model> {
  const tensors = new Map<string, TensorData>();
  for (const [name, info] of model.tensors) {
    tensors.set(name, { ...info, data: (await model.read(name, options.signal)).slice() });
    options.onProgress?.({ stage: "read", done: tensors.size, total: model.tensors.size });
  }
  return { ...memoryModel(tensors, { name: model.name, metadata: model.metadata }), origin: model.origin };
}
