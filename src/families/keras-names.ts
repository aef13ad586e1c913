/** The variables of Keras 3, which its files number: `layers/dense/vars/0` is a layer's kernel. */

import type { TensorInfo } from "../base/model.ts";
import { type TensorName, tensorName } from "../base/tensor-names.ts";

/** A layer's group, and a variable's number in it. */
const VARIABLE = /^(.*?)\/?vars\/(\d+)$/;

const KERNEL = ["kernel", "bias"];
/** Names of variables by the kind of layer that a group is called after. Where one may be left out, their number tells. */
const LAYERS: readonly (readonly [RegExp, readonly string[], least: number])[] = [
  [/^(dense|einsum_dense|(depthwise_)?conv[123]d|conv[123]d_transpose)$/, KERNEL, 1],
  [/^embedding$/, ["embeddings"], 1],
  [/^batch_normalization$/, ["gamma", "beta", "moving_mean", "moving_variance"], 4],
  [/^batch_normalization$/, ["moving_mean", "moving_variance"], 2],
  [/^(layer|group)_normalization$/, ["gamma", "beta"], 2],
  [/^rms_normalization$/, ["scale"], 1],
];

/** Splits the names of a model's tensors; Keras' numbered variables have their names as last words where they are known. */
export function nameReader(tensors: ReadonlyMap<string, TensorInfo>): (name: string) => TensorName {
  const counts = new Map<string, number>();
  for (const name of tensors.keys()) {
    const group = VARIABLE.exec(name)?.[1];
    if (group !== undefined) counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return (name) => {
    const [, group, number] = VARIABLE.exec(name) ?? [];
    const told = tensors.get(name)?.use?.variable;
    if (group === undefined) return told === undefined ? tensorName(name) : tensorName(`${parentOf(name)}/${told}`);
    const variable = told ?? variableOf(group, Number(number), counts.get(group)!);
    return variable === undefined ? tensorName(name) : tensorName(`${group}/${variable}`);
  };
}

const parentOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf("/")));

function variableOf(group: string, number: number, count: number): string | undefined {
  const word = group.slice(group.lastIndexOf("/") + 1).replace(/_\d+$/, "");
  const names = LAYERS.find(([kind, each, least]) => kind.test(word) && count >= least && count <= each.length)?.[1];
  return names?.[number];
}
