/** Which part of a checkpoint's tree is the model: training keeps its optimizer, its steps and averages beside it. */

import { listFirst } from "../../base/compare-tensors.ts";
import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import type { FlaxArray, FlaxMap, FlaxNode } from "./flax-tree.ts";

export interface Variables {
  readonly arrays: ReadonlyMap<string, FlaxArray>;
  /** The path of the map whose entries the names begin with; empty for the root. */
  readonly key: string;
  /** Entries of training, which fit the old weights. */
  readonly training: readonly string[];
  /** Other arrays that are left as they are. */
  readonly others: readonly string[];
}

/** What a TrainState, and those that people derive from it, have in addition to a model's variables. */
const TRAINING = /^(opt_?state|opt|optimizer(_?state)?|step|rngs?|(dropout_)?(rng|key)|(dynamic|loss)_scale|epoch)$/i;

/** Names together, in letters: half a million tensors with long names have 50 million. */
const MAX_NAMES_LENGTH = 2 ** 26;

type Step = readonly [path: readonly string[], map: FlaxMap];

/**
 * The arrays by their paths joined with `/`. With `params` somewhere the model is that map and its neighbours
 * (`batch_stats`), under those names. `key` names another map, or another in `params`' place: `ema_params`.
 *
 * @throws {FormatError} when there are no arrays, no such key, or several sets of parameters and no key
 */
export function chooseVariables(root: FlaxMap, key: string | undefined, name: string): Variables {
  const start: Step = [[], root];
  if (key !== undefined && key !== "." && key !== "") return byKey(start, key, name);
  const found: Step[] = [];
  if (key === undefined) findVariables(start, found);
  if (found.length > 1)
    throw new FormatError(
      `${name} holds ${found.length} models: ${listFirst(found.map(([path]) => path.join("/")))}; expected one: choose with --key (option key)`,
    );
  const variables = collect(root, found[0] ?? start, "params", name, key === undefined);
  // Statistics may be kept apart from the parameters: what would stay behind is the user's to say.
  if (key === undefined && variables.others.length > 0)
    throw new FormatError(
      `${name} holds ${describe(variables.key)} and ${listFirst(variables.others)}, expected one model: choose with --key (option key)`,
    );
  return variables;
}

function byKey([, root]: Step, key: string, name: string): Variables {
  const path = key.split("/").length > 1 || root.entries.has(key) ? key.split("/") : key.split(".");
  let [parent, node]: [FlaxMap, FlaxNode | undefined] = [root, root];
  for (const word of path) {
    parent = node?.kind === "map" ? node : parent;
    node = node?.kind === "map" ? node.entries.get(word) : undefined;
  }
  if (node?.kind !== "map")
    throw new FormatError(
      `${name} has no map ${describe(key)}, expected one of ${listFirst([...root.entries.keys()])}`,
    );
  const last = path.at(-1)!;
  // Parameters in the place of others: statistics beside them are of both.
  if (isMap(parent.entries.get("params")) && !isMap(node.entries.get("params")) && looksAlike(parent, node))
    return collect(root, [path.slice(0, -1), parent], last, name, false);
  return collect(root, [path, node], "params", name, false);
}

function holdsArrays(node: FlaxNode): boolean {
  return node.kind === "array" || (node.kind === "map" && [...node.entries.values()].some(holdsArrays));
}

const isMap = (node: FlaxNode | undefined): node is FlaxMap => node?.kind === "map";

/** Maps with parameters, the innermost `params` of nested ones; not those of training. */
function findVariables([path, map]: Step, found: Step[]): void {
  const params = map.entries.get("params");
  if (isMap(params)) {
    const isAlone = [...map.entries].every(
      ([word, node]) => node === params || TRAINING.test(word) || !holdsArrays(node),
    );
    if (isAlone && isMap(params.entries.get("params"))) findVariables([[...path, "params"], params], found);
    else found.push([path, map]);
    return;
  }
  for (const [word, node] of map.entries)
    if (isMap(node) && !TRAINING.test(word)) findVariables([[...path, word], node], found);
}

/** `own` is the entry that the names have as `params`. */
function collect(root: FlaxMap, [path, map]: Step, own: string, name: string, asksTwins: boolean): Variables {
  const arrays = new Map<string, FlaxArray>();
  const training: string[] = [];
  const others: string[] = [];
  const params = map.entries.get(own);
  const twins = [...map.entries].filter(([word, node]) => word !== own && isMap(params) && twin(params, node));
  if (asksTwins && twins.length > 0)
    throw new FormatError(
      `${name} holds ${twins.length + 1} sets of parameters: ${listFirst([own, ...twins.map(([word]) => word)])}; expected one: choose with --key (option key)`,
    );
  const names = { left: MAX_NAMES_LENGTH, file: name };
  for (const [word, node] of map.entries) {
    const where = [...path, word].join("/");
    if (TRAINING.test(word)) training.push(where);
    else if (twins.some(([other]) => other === word)) others.push(where);
    else addArrays(node, word === own && isMap(params) ? "params" : word, arrays, names);
  }
  // Outside of the chosen map.
  let outer: FlaxNode | undefined = root;
  path.forEach((word, depth) => {
    for (const [beside, node] of isMap(outer) ? outer.entries : []) {
      const where = [...path.slice(0, depth), beside].join("/");
      if (beside !== word && (TRAINING.test(beside) || holdsArrays(node)))
        (TRAINING.test(beside) ? training : others).push(where);
    }
    outer = isMap(outer) ? outer.entries.get(word) : undefined;
  });
  if (arrays.size === 0 && training.length > 0)
    throw new FormatError(
      `${name} holds only ${listFirst(training)}, expected a model: choose with --key (option key)`,
    );
  if (arrays.size === 0) throw new FormatError(`${name} holds no arrays, expected a checkpoint of Flax`);
  return { arrays, key: path.join("/"), training, others };
}

function addArrays(
  node: FlaxNode,
  path: string,
  to: Map<string, FlaxArray>,
  names: { left: number; readonly file: string },
): void {
  if (node.kind === "map") for (const [word, inner] of node.entries) addArrays(inner, `${path}/${word}`, to, names);
  if (node.kind !== "array") return;
  names.left -= path.length;
  if (names.left < 0)
    throw new FormatError(`${names.file} has names of more than ${MAX_NAMES_LENGTH} letters together, expected fewer`);
  if (to.has(path)) throw new FormatError(`${names.file} has two arrays ${describe(path)}, expected one`);
  to.set(path, node);
}

const looksAlike = (parent: FlaxMap, node: FlaxNode): boolean => twin(parent.entries.get("params")!, node);

/** True for trees with the same words and shapes: another set of the same parameters. */
function twin(a: FlaxNode, b: FlaxNode): boolean {
  if (a.kind === "array") return b.kind === "array" && a.shape.join() === b.shape.join();
  if (a.kind !== "map" || b.kind !== "map" || a.entries.size !== b.entries.size) return a.kind === b.kind && a === b;
  for (const [word, node] of a.entries) {
    const other = b.entries.get(word);
    if (node.kind !== "count" && (other === undefined || !twin(node, other))) return false;
  }
  return true;
}
