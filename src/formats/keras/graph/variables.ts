/** Which tensor of a file is which variable of a layer. */

import type { KerasLayer, KerasModel } from "./read-config.ts";

/**
 * Gives the tensor's name; undefined where the file has none. `part` is a word of what the layer has inside: "query".
 */
export type FindVariable = (variable: string, part?: RegExp) => string | undefined;

/** The variables of a layer's own, and of what is inside of it, by the way to it through models. */
export type FindLayer = (path: readonly KerasLayer[], numbers: readonly string[]) => FindVariable;

/** The name of a class in names of groups (keras/src/utils/naming.py): `Conv2DTranspose` is conv2d_transpose. */
export function snakeCase(name: string): string {
  return name
    .replaceAll(/\W+/g, "")
    .replaceAll(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replaceAll(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

/** What Keras 3 calls the group of each layer of a model: its class, numbered from the second on. */
export function groupNames({ layers }: KerasModel): Map<KerasLayer, string> {
  const counts = new Map<string, number>();
  return new Map(
    layers.map((layer) => {
      const word = snakeCase(layer.kind);
      const count = counts.get(word) ?? 0;
      counts.set(word, count + 1);
      return [layer, count === 0 ? word : `${word}_${count}`];
    }),
  );
}

/**
 * Tensors of files that number variables: `layers/dense/vars/0`. `variables` gives a layer's in order, as its kind has
 * them; what is inside of a layer has its own group.
 */
export function numberedVariables(root: KerasModel, names: ReadonlySet<string>): FindLayer {
  const groups = new Map<KerasModel, Map<KerasLayer, string>>();
  const below = new Map<string, string[]>();
  for (const name of names)
    for (let at = name.indexOf("/"); at >= 0; at = name.indexOf("/", at + 1)) {
      const own = below.get(name.slice(0, at));
      if (own === undefined) below.set(name.slice(0, at), [name]);
      else own.push(name);
    }
  const groupIn = (model: KerasModel, layer: KerasLayer): string => {
    let own = groups.get(model);
    if (own === undefined) {
      own = groupNames(model);
      groups.set(model, own);
    }
    return own.get(layer)!;
  };
  return (path, numbers) => {
    let model: KerasModel | undefined = root;
    const words: string[] = [];
    for (const layer of path) {
      words.push("layers", groupIn(model!, layer));
      model = layer.inside;
    }
    const prefix = words.join("/");
    const inside = below.get(prefix) ?? [];
    return (variable, part) => {
      const at = numbers.indexOf(variable);
      const wanted =
        part === undefined
          ? [`${prefix}/vars/${at}`]
          : inside.filter((name) => part.test(name.slice(prefix.length)) && name.endsWith(`/vars/${at}`));
      return at >= 0 && wanted.length === 1 && names.has(wanted[0]!) ? wanted[0] : undefined;
    };
  };
}

/** Tensors of files that name variables: `dense/dense/kernel:0`, `model/dense/kernel`. */
export function namedVariables(names: ReadonlySet<string>): FindLayer {
  const split = [...names].map((name) => ({ name, words: name.replace(/:\d+$/, "").split("/") }));
  const byLayer = new Map<string, typeof split>();
  for (const each of split)
    for (const word of new Set(each.words.slice(0, -1))) {
      const own = byLayer.get(word);
      if (own === undefined) byLayer.set(word, [each]);
      else own.push(each);
    }
  return (path) => {
    const layer = path.at(-1)!;
    const own = byLayer.get(layer.name) ?? [];
    // Of layers of one name in several models, the one below its model's name.
    const outer = path.slice(0, -1).map(({ name }) => name);
    const below = own.filter(({ words }) => outer.every((name) => words.includes(name)));
    const inside = below.length > 0 ? below : own;
    return (variable, part) => {
      const found = inside.filter(
        ({ words }) =>
          words.at(-1) === variable && (part === undefined || part.test(`/${words.slice(0, -1).join("/")}`)),
      );
      return found.length === 1 ? found[0]!.name : undefined;
    };
  };
}
