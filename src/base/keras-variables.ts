/** The variables of Keras 3, which its files number: `layers/dense/vars/0` is a layer's kernel. */

/** A layer's group, and a variable's number in it. */
const VARIABLE = /^(?:(.*)\/)?vars\/(\d+)$/;

const KERNEL = ["kernel", "bias"];
/**
 * Names of variables by the kind of layer that a group is called after. Where one may be left out, their number
 * decides.
 */
const LAYERS: readonly (readonly [RegExp, readonly string[], least: number])[] = [
  [/^(dense|einsum_dense|(depthwise_)?conv[123]d|conv[123]d_transpose)$/, KERNEL, 1],
  [/^embedding$/, ["embeddings"], 1],
  [/^batch_normalization$/, ["gamma", "beta", "moving_mean", "moving_variance"], 4],
  [/^batch_normalization$/, ["moving_mean", "moving_variance"], 2],
  [/^(layer|group)_normalization$/, ["gamma", "beta"], 2],
  [/^rms_normalization$/, ["scale"], 1],
];

/**
 * What layers call their numbered variables, by the tensors' names; of layers that their kind and number of variables
 * identify.
 */
export function kerasVariables(names: Iterable<string>): ReadonlyMap<string, string> {
  const groups = new Map<string, [name: string, number: number][]>();
  for (const name of names) {
    const [, group, number] = VARIABLE.exec(name) ?? [];
    if (group === undefined) continue;
    const own = groups.get(group) ?? [];
    groups.set(group, own);
    own.push([name, Number(number)]);
  }
  const variables = new Map<string, string>();
  for (const [group, own] of groups) {
    const word = group.slice(group.lastIndexOf("/") + 1).replace(/_\d+$/, "");
    const known = LAYERS.find(
      ([kind, each, least]) => kind.test(word) && own.length >= least && own.length <= each.length,
    );
    for (const [name, number] of own) if (known?.[1][number] !== undefined) variables.set(name, known[1][number]);
  }
  return variables;
}
