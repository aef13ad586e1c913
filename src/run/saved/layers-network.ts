/** Models of layers of TensorFlow.js, on `@tensorflow/tfjs-layers`. */

import * as tf from "@tensorflow/tfjs-core";
import type { Model } from "../../base/model.ts";
import { readKerasConfig } from "../../formats/keras/graph/read-config.ts";
import { isObject } from "../../formats/tfjs/manifest.ts";
import type { TfjsContainer } from "../../formats/tfjs/tfjs-container.ts";
import { savedArtifacts } from "./artifacts.ts";
import { allLayers, noLayer } from "./keras-layers.ts";
import { type LayersModelLike, loadLayers } from "./loaders.ts";
import { floatsOf, type SavedLoaders, type SavedNetwork, tensorOf, told } from "./saved-network.ts";

/** Opens a model of layers with its tensors as they are now. */
export async function openLayersNetwork(
  model: Model,
  container: TfjsContainer,
  { layers }: SavedLoaders,
  signal?: AbortSignal,
): Promise<SavedNetwork> {
  const { loadLayersModel } = layers ?? (await loadLayers());
  const artifacts = await savedArtifacts(model, container, signal);
  const network = loadLayersModel({ load: async () => artifacts });
  return layersNetwork(model.name, await network.catch(orNamed(model.name, container.json.modelTopology)));
}

/** The package names the class alone. */
function orNamed(file: string, topology: unknown): (error: unknown) => never {
  return (error) => {
    const [, kind] = /^Unknown layer: ([^\s.]+)/.exec(String(Object(error).message)) ?? [];
    const json = isObject(topology) ? (topology.model_config ?? topology) : undefined;
    const layer = allLayers(readKerasConfig(json, file)).find((each) => each.kind === kind);
    if (layer === undefined) throw error;
    throw noLayer(file, layer);
  };
}

/** A model of layers that runs. `name` begins messages. */
export function layersNetwork(name: string, model: LayersModelLike): SavedNetwork {
  return {
    inputs: model.inputs.map(({ dtype, shape }, at) => ({
      name: model.inputNames[at]!,
      dtype,
      shape: shape?.map((size) => size ?? undefined),
    })),
    outputs: model.outputNames,
    async run(inputs) {
      const given = model.inputNames.map((input) => tensorOf(inputs.get(input)!));
      try {
        return await floatsOf(await told(name, async () => model.predictOnBatch(given)));
      } finally {
        tf.dispose(given);
      }
    },
    dispose: () => model.dispose(),
  };
}
