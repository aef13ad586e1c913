/** The layers of a Keras file as a list: what each is, what it reads, and which tensors it has. */

import { elementCount, type Model, type Origin } from "../../base/model.ts";
import type { KerasLayer, KerasModel } from "./graph/read-config.ts";
import { groupNames } from "./graph/variables.ts";
import { layersIn as layersInHdf5 } from "./hdf5-format.ts";
import { layersIn as layersInKeras } from "./keras-format.ts";
import type { Hdf5Container } from "./open-hdf5.ts";
import type { KerasContainer } from "./open-keras.ts";

/** One layer of a Keras file; one of a model inside a model has both names: `encoder/dense`. */
export interface ListedLayer {
  readonly name: string;
  /** Of Keras: `Conv2D`. */
  readonly class: string;
  /** Names of the layers that its calls read; none of a Sequential, whose layers follow each other. */
  readonly reads: readonly string[];
  /** Names of its tensors. */
  readonly tensors: readonly string[];
  /** Numbers in its tensors. */
  readonly parameters: number;
}

/**
 * The layers of a Keras file as its configuration lists them. Undefined for weights without a configuration, and for a
 * custom class.
 */
export async function configOfOrigin(
  { format, container }: Origin,
  signal?: AbortSignal,
): Promise<KerasModel | undefined> {
  return format === "keras"
    ? layersInKeras(container as KerasContainer, signal)
    : layersInHdf5(container as Hdf5Container);
}

/** The layers in the order of the file; null for weights without a configuration. */
export async function layersOf(
  { origin, tensors }: Pick<Model, "origin" | "tensors">,
  signal?: AbortSignal,
): Promise<readonly ListedLayer[] | null> {
  const config = await configOfOrigin(origin!, signal);
  return config === undefined ? null : listModel({ tensors }, config, "", "");
}

/** `group` is where Keras 3 keeps the variables of the model's layers, `outer` what its layers' names begin with. */
function listModel(model: Pick<Model, "tensors">, config: KerasModel, group: string, outer: string): ListedLayer[] {
  const groups = groupNames(config);
  return config.layers.flatMap((layer) => {
    const place = `${group}layers/${groups.get(layer)}/`;
    const name = `${outer}${layer.name}`;
    if (layer.inside !== undefined) return listModel(model, layer.inside, place, `${name}/`);
    const tensors = [...model.tensors.keys()].filter(
      (tensor) => tensor.startsWith(place) || isNamedAfter(tensor, layer, outer),
    );
    const parameters = tensors.reduce((sum, tensor) => sum + elementCount(model.tensors.get(tensor)!.shape), 0);
    return [{ name, class: layer.kind, reads: readsOf(layer), tensors, parameters }];
  });
}

/** `dense/dense/kernel:0`; of a model inside, below that model's name where the file has it. */
function isNamedAfter(tensor: string, { name }: KerasLayer, outer: string): boolean {
  const words = tensor.split("/").slice(0, -1);
  const models = outer.split("/").filter((word) => words.includes(word));
  const within = models.length === 0 ? words : words.slice(words.indexOf(models.at(-1)!) + 1);
  return words[0] !== "layers" && within.includes(name);
}

function readsOf({ calls }: KerasLayer): string[] {
  const layers = calls.flatMap(({ inputs }) =>
    inputs.flatMap((input) => (typeof input === "number" ? [] : input.layer)),
  );
  return [...new Set(layers)];
}
