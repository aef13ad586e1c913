/** Graph models of TensorFlow.js, on `@tensorflow/tfjs-converter`. */

import * as tf from "@tensorflow/tfjs-core";
import type { Model } from "../../base/model.ts";
import type { TfjsContainer } from "../../formats/tfjs/tfjs-container.ts";
import { savedArtifacts } from "./artifacts.ts";
import { type GraphModelLike, loadConverter } from "./loaders.ts";
import { floatsOf, type SavedLoaders, type SavedNetwork, tensorOf, told } from "./saved-network.ts";

/** Opens a graph model with its tensors as they are now. */
export async function openGraphNetwork(
  model: Model,
  container: TfjsContainer,
  { converter }: SavedLoaders,
  signal?: AbortSignal,
): Promise<SavedNetwork> {
  const { loadGraphModel } = converter ?? (await loadConverter());
  const artifacts = await savedArtifacts(model, container, signal);
  const graph = await loadGraphModel({ load: async () => artifacts });
  const outputs = [...graph.outputNodes];
  return {
    inputs: graph.inputs
      .filter(({ resourceId }) => resourceId === undefined || resourceId === null)
      .map(({ name, dtype, shape }) => ({
        name: name.replace(/:0$/, ""),
        dtype,
        shape: shape?.map((size) => (size === null || size < 0 ? undefined : size)),
      })),
    outputs,
    async run(inputs) {
      const given = Object.fromEntries(Array.from(inputs, ([name, value]) => [name, tensorOf(value)]));
      try {
        return await floatsOf(await told(model.name, () => execute(graph, given, outputs)));
      } finally {
        tf.dispose(given);
      }
    },
    dispose: () => graph.dispose(),
  };
}

/** The quick way where the graph is fixed; the loader refuses it for nodes that decide at run time. */
async function execute(
  graph: GraphModelLike,
  inputs: tf.NamedTensorMap,
  outputs: string[],
): Promise<tf.Tensor | tf.Tensor[]> {
  try {
    return graph.execute(inputs, outputs);
  } catch (error) {
    if (!/executeAsync/.test(String((error as Error).message))) throw error;
    return graph.executeAsync(inputs, outputs);
  }
}
