/** Layers that a file lists by name, beside its tensors. */

import type { Model } from "../base/model.ts";
import type { ListedLayer } from "./keras/layers-of.ts";

/**
 * The layers of the Keras file that a model was opened from, in its order, with the tensors of each. Null for a model
 * of another format, for weights without a configuration, and for a custom class.
 *
 * @throws {FormatError} when the file's configuration is no JSON of Keras.
 *
 * @example
 * const model = await openModel("model.keras");
 * const layers = await listLayers(model); // [{ name: "conv2d", class: "Conv2D", reads: ["input"], … }]
 */
export async function listLayers(
  model: Pick<Model, "origin" | "tensors">,
  signal?: AbortSignal,
): Promise<readonly ListedLayer[] | null> {
  if (model.origin?.format !== "keras" && model.origin?.format !== "hdf5") return null;
  return (await import("./keras/layers-of.ts")).layersOf(model, signal);
}
