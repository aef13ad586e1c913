/** A model of TensorFlow.js as its loaders take it: the JSON, and all tensors in one piece. */

import type { io } from "@tensorflow/tfjs-core";
import { joinBytes } from "../../base/join-bytes.ts";
import type { Model } from "../../base/model.ts";
import type { TfjsContainer } from "../../formats/tfjs/tfjs-container.ts";
import { writeIntoTfjs } from "../../formats/tfjs/write-tfjs.ts";
import { type MemorySink, memorySink } from "../../io/sink.ts";

interface ModelJson extends io.ModelJSON {
  readonly weightsManifest: io.WeightsManifestConfig;
}

/**
 * The file written with the model's tensors as they are now, and read by TensorFlow.js. What the file stores with a
 * scale is stored as float32: a new scale would change what is compared.
 */
export async function savedArtifacts(
  model: Model,
  container: TfjsContainer,
  signal?: AbortSignal,
): Promise<io.ModelArtifacts> {
  const json = memorySink();
  const shards: MemorySink[] = [];
  const create = async (): Promise<MemorySink> => {
    const shard = memorySink();
    shards.push(shard);
    return shard;
  };
  await writeIntoTfjs(container, model, json, { signal, create, dtype: "F32" });
  await json.close();
  const {
    weightsManifest,
    trainingConfig: _,
    ...rest
  } = JSON.parse(new TextDecoder().decode(json.bytes())) as ModelJson;
  return {
    ...rest,
    weightSpecs: weightsManifest.flatMap(({ weights }) => weights),
    weightData: joinBytes(shards.map((shard) => shard.bytes())).buffer as ArrayBuffer,
  };
}
