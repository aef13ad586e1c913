/** Whole models of Keras as files: of any network, in each form. */

import { type BuiltAttribute, type BuiltDataset, type BuiltGroup, f32, hdf5File, type } from "./hdf5-builder.ts";
import { kerasFile } from "./keras-builder.ts";
import type { KerasStyle } from "./keras-networks.ts";
import type { Tensors } from "./networks.ts";
import { concat, utf8 } from "./safetensors-builder.ts";

/** Texts of any length as an attribute: each as long as the longest. */
function textAttribute(list: readonly string[], shape: readonly number[]): BuiltAttribute {
  const longest = Math.max(...list.map((text) => utf8(text).length));
  const size = 8 * Math.ceil(longest / 8);
  const data = concat(...list.map((text) => concat(utf8(text), new Uint8Array(size - utf8(text).length))));
  return { shape, type: type(0x13, [1, 0, 0], size), data };
}

interface Members {
  [name: string]: Members | BuiltDataset;
}

/** Datasets in groups, by their paths. */
function groupsOf(tensors: Tensors, prefix = ""): Members {
  const root: Members = {};
  for (const [name, { shape, data }] of tensors) {
    const words = (prefix + name).split("/");
    let at = root;
    for (const word of words.slice(0, -1)) {
      at[word] ??= {};
      at = at[word] as Members;
    }
    at[words.at(-1)!] = f32(shape, ...data);
  }
  return root;
}

const isDataset = (member: Members | BuiltDataset): member is BuiltDataset => member.data instanceof Uint8Array;

const builtGroup = (members: Members, attributes: BuiltGroup["attributes"] = {}): BuiltGroup => ({
  attributes,
  members: Object.fromEntries(
    Object.entries(members).map(([name, member]) => [name, isDataset(member) ? member : builtGroup(member)]),
  ),
});

/** A `.h5` file of Keras 2, or a `.keras` file of Keras 3. Tensors are named as in `tensorsOf`. */
export function wholeKeras(
  config: object,
  tensors: Tensors,
  style: Exclude<KerasStyle, "tfjs">,
): Uint8Array<ArrayBuffer> {
  if (style === "keras3") return kerasFile(hdf5File(builtGroup(groupsOf(tensors))), {}, config);
  const groups = groupsOf(tensors);
  const layers = Object.keys(groups);
  const members = layers.map((layer): [string, BuiltGroup] => {
    const own = [...tensors.keys()].filter((name) => name.startsWith(`${layer}/`));
    const names = own.map((name) => name.slice(layer.length + 1));
    return [layer, builtGroup(groups[layer] as Members, { weight_names: textAttribute(names, [names.length]) })];
  });
  const weights = {
    attributes: { layer_names: textAttribute(layers, [layers.length]) },
    members: Object.fromEntries(members),
  };
  return hdf5File({
    attributes: {
      model_config: textAttribute([JSON.stringify(config)], []),
      keras_version: textAttribute(["2.15.0"], []),
    },
    members: { model_weights: weights },
  });
}
