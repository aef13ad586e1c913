/** Opens networks as their files store them, on TensorFlow.js. */

import type { Model } from "../../base/model.ts";
import { fileOrigin } from "../../formats/folder/folder-container.ts";
import { isObject } from "../../formats/tfjs/manifest.ts";
import type { TfjsContainer } from "../../formats/tfjs/tfjs-container.ts";
import { startBackend } from "../tfjs/backend.ts";
import { openGraphNetwork } from "./graph-network.ts";
import { openKerasNetwork } from "./keras-network.ts";
import { openLayersNetwork } from "./layers-network.ts";
import { type SavedLoaders, type SavedNetwork, told } from "./saved-network.ts";

/**
 * Opens a model of TensorFlow.js or Keras, with its tensors as they are now, on the wasm backend. The model may be
 * closed afterwards.
 *
 * @throws {Error} when a package is not installed.
 * @throws {RangeError} for a model whose file has no network, and with TensorFlow.js' reason for one that it does not
 * run.
 */
export async function openSaved(model: Model, loaders: SavedLoaders, signal?: AbortSignal): Promise<SavedNetwork> {
  const { format, like } = fileOrigin(model.origin);
  await startBackend();
  if (like !== undefined && (format === "keras" || format === "hdf5"))
    return told(model.name, () => openKerasNetwork(model, like, loaders, signal));
  const container = format === "tfjs" ? (like?.container as TfjsContainer | undefined) : undefined;
  const topology = container?.json.modelTopology;
  if (container === undefined || !isObject(topology))
    throw new RangeError(`${model.name} has no network in its file, expected a model of TensorFlow.js or Keras`);
  return told(model.name, () =>
    Array.isArray(topology.node)
      ? openGraphNetwork(model, container, loaders, signal)
      : openLayersNetwork(model, container, loaders, signal),
  );
}
