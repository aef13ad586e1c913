/** Keras' files built by hand: small ones in each of its layouts. */

import { type BuildOptions, type BuiltGroup, f32, hdf5File, texts } from "./hdf5-builder.ts";
import { utf8 } from "./safetensors-builder.ts";
import { type ZipPart, zipFile } from "./zip-builder.ts";

/** The layers of a chain 2-3-1 in the layout of `.weights.h5`. */
export const layers: BuiltGroup = {
  members: {
    dense: { members: { vars: { members: { "0": f32([2, 3], 1, 2, 3, 4, 5, 6), "1": f32([3], 7, 8, 9) } } } },
    dense_1: { members: { vars: { members: { "0": f32([3, 1], 10, 11, 12), "1": f32([1], 13) } } } },
  },
};

/** A `.weights.h5` file. */
export const weightsFile = (options: BuildOptions = {}): Uint8Array<ArrayBuffer> =>
  hdf5File({ members: { layers, optimizer: { members: { vars: { members: { "0": f32([1], 0) } } } } } }, options);

/** The same chain in the layout of Keras 2: groups with lists of names. */
export function legacyWeights(
  attributes: BuiltGroup["attributes"] = { layer_names: texts("fc_2", "fc_1") },
): BuiltGroup {
  return {
    attributes,
    members: {
      fc_1: {
        attributes: { weight_names: texts("w/kernel", "w/bias") },
        members: { w: { members: { bias: f32([1], 13), kernel: f32([3, 1], 10, 11, 12) } } },
      },
      fc_2: {
        attributes: { weight_names: texts("w/kernel", "w/bias") },
        members: { w: { members: { bias: f32([3], 7, 8, 9), kernel: f32([2, 3], 1, 2, 3, 4, 5, 6) } } },
      },
    },
  };
}

/** A `.keras` file: JSON and weights. */
export function kerasFile(
  weights: Uint8Array = weightsFile(),
  part: Partial<ZipPart> = {},
  config: object = { class_name: "Sequential", config: { name: "net", layers: [] } },
): Uint8Array<ArrayBuffer> {
  return zipFile(
    [
      { name: "metadata.json", content: utf8('{"keras_version": "3.15.0", "date_saved": "2026-05-13@21:23:40"}') },
      { name: "config.json", content: utf8(JSON.stringify(config)) },
      { name: "model.weights.h5", content: weights, ...part },
    ],
    {},
  ) as Uint8Array<ArrayBuffer>;
}
