/** Models of Keras, on `@tensorflow/tfjs-layers`. */

import * as tf from "@tensorflow/tfjs-core";
import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import type { Model, Origin } from "../../base/model.ts";
import type { KerasLayer, KerasModel } from "../../formats/keras/graph/read-config.ts";
import type { FindLayer } from "../../formats/keras/graph/variables.ts";
import { configOfOrigin } from "../../formats/keras/layers-of.ts";
import { findVariables } from "../../formats/keras/read-graph.ts";
import { readFloats } from "../../kernels/read-floats.ts";
import { kerasTopology } from "./keras-topology.ts";
import { layersNetwork } from "./layers-network.ts";
import { type LayerLike, loadLayers } from "./loaders.ts";
import { registerResetAfterGru } from "./reset-after-gru.ts";
import type { SavedLoaders, SavedNetwork } from "./saved-network.ts";

/** Opens a model of Keras with its tensors as they are now: its layers are made first, and get the tensors then. */
export async function openKerasNetwork(
  model: Model,
  origin: Origin,
  { layers }: SavedLoaders,
  signal?: AbortSignal,
): Promise<SavedNetwork> {
  const config = await configOfOrigin(origin, signal);
  if (config === undefined)
    throw new RangeError(
      `${model.name} has no layers in its file, expected a whole model of Keras, Sequential or Functional`,
    );
  const topology = kerasTopology(config, model.name);
  const loader = layers ?? (await loadLayers());
  registerResetAfterGru(loader);
  const network = await loader.loadLayersModel({ load: async () => ({ modelTopology: topology }) });
  try {
    const work: Work = { model, find: findVariables(config, model.tensors.keys()), signal };
    await fillModel(work, network, config, []);
    return layersNetwork(model.name, network);
  } catch (error) {
    network.dispose();
    throw error;
  }
}

interface Work {
  readonly model: Model;
  readonly find: FindLayer;
  readonly signal: AbortSignal | undefined;
}

async function fillModel(
  work: Work,
  network: LayerLike,
  { layers }: KerasModel,
  path: readonly KerasLayer[],
): Promise<void> {
  const there = new Map(network.layers?.map((layer) => [layer.name, layer]));
  for (const layer of layers) {
    const like = there.get(layer.name);
    // A Sequential has no layer for its input.
    if (like === undefined) continue;
    if (layer.inside !== undefined) await fillModel(work, like, layer.inside, [...path, layer]);
    else if (like.weights.length > 0) await fillLayer(work, like, [...path, layer]);
  }
}

/** Gives a layer its tensors, in its own order. */
async function fillLayer({ model, find, signal }: Work, like: LayerLike, path: readonly KerasLayer[]): Promise<void> {
  const { name, kind } = path.at(-1)!;
  const variables = like.weights.map(({ originalName }) => originalName.slice(originalName.lastIndexOf("/") + 1));
  const parts = kind === "Bidirectional" ? [/\/forward_/, /\/backward_/] : [partOf(kind)];
  const each = variables.length / parts.length;
  const values: tf.Tensor[] = [];
  try {
    for (const [at, variable] of variables.entries()) {
      const found = findIn(find, path, variables.slice(0, each), at % each, parts[Math.floor(at / each)]);
      if (found === undefined)
        throw new FormatError(
          `${model.name} has no tensor ${describe(variable)} of the layer ${describe(name)}, expected one`,
        );
      const shape = model.tensors.get(found)!.shape;
      const wanted = like.weights[at]!.shape;
      if (shape.join() !== wanted.join())
        throw new FormatError(`${model.name} tensor ${describe(found)} is [${shape}], expected [${wanted}]`);
      values.push(tf.tensor(await readFloats(model, found, signal), [...shape], "float32"));
    }
    like.setWeights(values);
  } finally {
    tf.dispose(values);
  }
}

/** Keras 3 calls the kernel of a depthwise convolution by no other name than any. */
function findIn(
  find: FindLayer,
  path: readonly KerasLayer[],
  variables: readonly string[],
  at: number,
  part: RegExp | undefined,
): string | undefined {
  const short = variables.map((variable) => variable.replace(/^depthwise_/, ""));
  return find(path, variables)(variables[at]!, part) ?? find(path, short)(short[at]!, part);
}

/** Variables of cells and of wrapped layers are in a group below the layer's, of any name. */
const partOf = (kind: string): RegExp | undefined =>
  /^(LSTM|GRU|SimpleRNN|TimeDistributed)$/.test(kind) ? /./ : undefined;
