/**
 * Which datasets of an HDF5 file are a model's tensors: what Keras wrote, in any of its layouts, or all of a plain
 * file.
 */

import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import { attributeText, attributeTexts, type Hdf5Attribute } from "../hdf5/attributes.ts";
import type { Hdf5Dataset } from "../hdf5/dataset.ts";
import { datasetsIn, groupAttributes, type Hdf5Group, type Hdf5Tree } from "../hdf5/tree.ts";

/** A model's datasets in order, by the names that they have here. */
export interface ChosenWeights {
  readonly kind: string;
  readonly tensors: ReadonlyMap<string, Hdf5Dataset>;
  /** What else is in the file: what belongs to training, and all other. */
  readonly training: readonly string[];
  readonly others: readonly string[];
  /** Keras' JSON of the model, where the file has it. */
  readonly config: string | undefined;
  readonly producer: string;
}

type Attributes = ReadonlyMap<string, Hdf5Attribute>;

/** What belongs to training at the root of a file. */
const TRAINING = /^(optimizer|optimizer_weights|_optimizer)$/;

/**
 * Finds the tensors. Throws `FormatError`, naming the file, for what its attributes name and it does not have, and for
 * Keras 1.
 */
export async function chooseWeights(tree: Hdf5Tree): Promise<ChosenWeights> {
  const { file, root } = tree;
  const attributes = await groupAttributes(tree, root);
  const text = async (name: string): Promise<string> => (await attributeText(file, attributes.get(name))) ?? "";
  const version = await text("keras_version");
  const producer = [version && `Keras ${version}`, await text("backend")].filter(Boolean).join(", ");
  const config = (await text("model_config")) || undefined;
  if (attributes.has("nb_layers"))
    throw new FormatError(
      `${file.name} is a file of Keras 1, expected one of Keras 2 or 3: load and save it with Keras 2`,
    );
  const inside = root.members.get("model_weights");
  const whole = inside?.kind === "group" ? await legacyWeights(tree, inside) : undefined;
  const legacy = whole ?? (await legacyWeights(tree, root));
  const top = whole === undefined ? root : (inside as Hdf5Group);
  const found = legacy ?? plainWeights(root);
  requireAll(tree, found.group, whole === undefined);
  const tensors = new Map<string, Hdf5Dataset>();
  for (const dataset of found.datasets) tensors.set(nameIn(top, dataset), dataset);
  const rest = [...root.members.values()].filter((member) => whole !== undefined && member !== inside);
  const training = [...root.members.values()].filter((member) => member.kind === "group" && TRAINING.test(member.path));
  const others = rest.filter((member) => !training.includes(member)).map(({ path }) => path);
  const left = datasetsIn(top).filter(
    (each) => !found.datasets.includes(each) && !TRAINING.test(each.path.split("/")[0]!),
  );
  return {
    kind: legacy !== undefined ? (whole === undefined ? "weights" : "whole model") : found.kind,
    tensors,
    training: training.map(({ path }) => path),
    others: [...others, ...left.map(({ path }) => path)],
    config,
    producer,
  };
}

interface Found {
  readonly kind: string;
  readonly group: Hdf5Group;
  readonly datasets: readonly Hdf5Dataset[];
}

/** A name from the group that has the weights on. */
function nameIn(group: Hdf5Group, { path }: Hdf5Dataset): string {
  return group.path === "" ? path : path.slice(group.path.length + 1);
}

/** A list of texts that Keras parts into several attributes where it is long: `layer_names0`, `layer_names1`, …. */
async function textList({ file }: Hdf5Tree, attributes: Attributes, name: string): Promise<string[] | undefined> {
  if (!attributes.has(name) && !attributes.has(`${name}0`)) return undefined;
  const parts = attributes.has(name) ? [attributes.get(name)!] : [];
  for (let i = 0; attributes.has(`${name}${i}`); i++) parts.push(attributes.get(`${name}${i}`)!);
  const texts: string[] = [];
  for (const part of parts) {
    // NumPy has no type for a list of no texts: h5py writes one of floats.
    if (part.shape?.includes(0)) continue;
    const own = await attributeTexts(file, part);
    if (own === undefined)
      throw new FormatError(`${file.name} has ${describe(part.name)} that is no list of texts, expected names`);
    for (const each of own) texts.push(each);
  }
  return texts;
}

/**
 * The layout of `.h5` files: layers in the order of `layer_names`, their tensors in that of `weight_names`. Undefined
 * for a group that is none: also where `layer_names` are no groups with tensors, as in shards of Hugging Face.
 */
async function legacyWeights(tree: Hdf5Tree, group: Hdf5Group): Promise<Found | undefined> {
  const names = await textList(tree, await groupAttributes(tree, group), "layer_names");
  if (names === undefined) return undefined;
  const { name } = tree.file;
  const datasets: Hdf5Dataset[] = [];
  const layers = [...names, ...(group.members.has("top_level_model_weights") ? ["top_level_model_weights"] : [])];
  let isLegacy = names.length === 0;
  for (const layer of layers) {
    const member = memberAt(group, layer);
    if (member?.kind !== "group") {
      if (!isLegacy) return undefined;
      throw new FormatError(`${name} names the layer ${describe(layer)}, expected a group of that name`);
    }
    const weights = await textList(tree, await groupAttributes(tree, member), "weight_names");
    if (weights === undefined && layer !== "top_level_model_weights")
      throw new FormatError(
        `${name} group ${describe(member.path)} has no "weight_names", expected the names of its tensors`,
      );
    isLegacy = true;
    for (const weight of weights ?? []) {
      const dataset = memberAt(member, weight);
      if (dataset === undefined || dataset.kind === "group")
        throw new FormatError(
          `${name} group ${describe(member.path)} names ${describe(weight)}, expected a dataset of that name`,
        );
      if (datasets.includes(dataset))
        throw new FormatError(`${name} names ${describe(dataset.path)} twice, expected it once`);
      datasets.push(dataset);
    }
  }
  return { kind: "legacy", group, datasets };
}

function memberAt(group: Hdf5Group, path: string): Hdf5Group | Hdf5Dataset | undefined {
  let at: Hdf5Group | Hdf5Dataset | undefined = group;
  for (const word of path.split("/")) at = at?.kind === "group" ? at.members.get(word) : undefined;
  return at;
}

/** All datasets but those of training: the layout of `.weights.h5` (`layers/dense/vars/0`), and files of others. */
function plainWeights(root: Hdf5Group): Found {
  const isKeras =
    root.members.has("layers") || root.members.has("_layer_checkpoint_dependencies") || root.members.has("vars");
  const inside: Hdf5Dataset[] = [];
  for (const member of root.members.values()) {
    if (member.kind !== "group") inside.push(member);
    else if (!TRAINING.test(member.path)) inside.push(...datasetsIn(member));
  }
  return {
    kind: isKeras ? "weights" : "datasets",
    group: root,
    datasets: inside.sort((a, b) => comparePaths(a.path, b.path)),
  };
}

/** By words, numbers in them by value: `dense_2` before `dense_10`, not in the order of the file. */
function comparePaths(a: string, b: string): number {
  const [left, right] = [a, b].map((path) => path.split(/(\d+)|\//).filter((part) => part !== undefined));
  for (let i = 0; i < Math.min(left!.length, right!.length); i++) {
    const [x, y] = [left![i]!, right![i]!];
    if (x === y) continue;
    const isNumber = /^\d+$/.test(x) && /^\d+$/.test(y);
    if (isNumber && Number(x) !== Number(y)) return Number(x) - Number(y);
    return x < y ? -1 : 1;
  }
  return left!.length - right!.length;
}

/** A link to another file may be a model's tensor. */
function requireAll({ file }: Hdf5Tree, group: Hdf5Group, skipTraining: boolean): void {
  const [first] = group.external;
  if (first !== undefined)
    throw new FormatError(
      `${file.name} has ${describe(group.path === "" ? first : `${group.path}/${first}`)} in another file, expected it in this one: copy it in h5py`,
    );
  for (const member of group.members.values())
    if (member.kind === "group" && !(skipTraining && TRAINING.test(member.path)))
      requireAll({ file, root: member }, member, false);
}
