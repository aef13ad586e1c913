/**
 * A model's tensors grouped into modules: dense matrices, convolutions, norms and embeddings, with what their shapes
 * show. Other tensors are refused by name: no family describes a model that it only half understands.
 */

import type { Layout } from "../axes/spec-builder.ts";
import { describeTensor } from "../base/compare-tensors.ts";
import { isFloat } from "../base/dtype.ts";
import { SpecError } from "../base/errors.ts";
import type { GraphUse, TensorInfo } from "../base/model.ts";
import { type Role, type TensorName, tensorName } from "../base/tensor-names.ts";
import { numberedNames } from "./numbered-names.ts";
import { namesEmbedding } from "./vocabulary.ts";
import { type PathWord, partOf } from "./words.ts";

/** The part of a model that families look at. */
export type Tensors = ReadonlyMap<string, TensorInfo>;

/** What a module does, by the rank of its main tensor and by its bias. */
export type ModuleKind = "dense" | "conv" | "norm" | "embedding";

export interface Module {
  readonly kind: ModuleKind;
  /** Path without wrappers such as `module.`, words joined by `.`. */
  readonly path: string;
  /** The words of its path, without those that all modules begin with. */
  readonly parts: readonly PathWord[];
  /** Name of its main tensor, for messages. */
  readonly name: string;
  /** Names of its tensors. */
  readonly tensors: ReadonlyMap<Role, string>;
  readonly layout: Layout;
  /** Channels in and out; of a norm both are its channels. */
  readonly in: number;
  readonly out: number;
  /** Sides of a convolution's kernel. */
  readonly kernel: readonly number[];
  /**
   * The order in which the matrix's input was flattened, if it was. Undefined where a graph is known and does not
   * show it.
   */
  readonly flatten: NonNullable<GraphUse["flatten"]> | undefined;
}

/** A model's modules in file order. */
export interface Modules {
  readonly modules: readonly Module[];
  /** The words that all of them begin with. */
  readonly prefix: readonly PathWord[];
  /** Tensors that belong to no module and that no permutation touches: counters, position numbers, a temperature. */
  readonly fixed: readonly string[];
}

/** Longer names are not looked at: the patterns for names take quadratic time, and no real name comes near. */
const LONGEST_NAME = 512;

/** Words that wrap a whole model and show nothing of its structure. */
const WRAPPERS: ReadonlySet<string> = new Set(
  "module model models net network backbone trunk resnet vgg mlp cnn _orig_mod state_dict".split(" "),
);

/** Single numbers beside a network, which scale its outputs or count. */
const SCALARS: ReadonlySet<string> = new Set("logit_scale temperature n_averaged step epoch".split(" "));

/**
 * Groups tensors into modules, in file order. Throws `SpecError` naming the first tensor that is no part of such a
 * module. `flip` reads dense matrices in the layout that their names do not have.
 */
export function readModules(tensors: Tensors, flip = false): Modules {
  if (tensors.size === 0) throw new SpecError("model has no tensors, expected some");
  const groups = new Map<string, { path: readonly string[]; roles: Map<Role, string> }>();
  const fixed: string[] = [];
  const splitName = nameReader(tensors);
  for (const [name, info] of tensors) {
    if (name.length > LONGEST_NAME) throw longName(name);
    const split = splitName(name);
    const role = roleOf(split);
    if (isFixed(split, role, info)) {
      fixed.push(name);
      continue;
    }
    if (role === undefined) throw strangeTensor(name, info);
    const key = split.path.join(".");
    const group = groups.get(key) ?? { path: split.path, roles: new Map<Role, string>() };
    if (group.roles.has(role)) throw new SpecError(`${name} and ${group.roles.get(role)} have one role in one module`);
    group.roles.set(role, name);
    groups.set(key, group);
  }
  const found = [...groups.values()];
  const shared = sharedWords(found.map(({ path }) => path));
  const paths = unwrapped(found.map(({ path }) => path));
  const parts = partReader();
  const modules = found.map(({ path, roles }, i) =>
    toModule(paths[i]!, path.slice(shared).map(parts), roles, { tensors, flip, splitName }),
  );
  return { modules, prefix: (found[0]?.path ?? []).slice(0, shared).map(parts), fixed };
}

/** Splits names; variables that are numbered have the names that their layers call them. */
function nameReader(tensors: Tensors): (name: string) => TensorName {
  const numbered = numberedNames(tensors.keys());
  return (name) => {
    const variable = tensors.get(name)!.use?.variable ?? numbered.get(name);
    return tensorName(variable ? name.replace(/vars\/\d+$/, variable) : name);
  };
}

const longName = (name: string): SpecError =>
  new SpecError(`${name.slice(0, 40)}… has a name of ${name.length} characters, expected at most ${LONGEST_NAME}`);

const strangeTensor = (name: string, info: TensorInfo): SpecError =>
  new SpecError(`${name} is ${describeTensor(info)}, expected a weight, a bias or a norm's statistics by its name`);

/** Flax and Keras call an embedding's matrix by its own name. */
function roleOf({ role, leaf }: TensorName): Role | undefined {
  return role ?? (leaf === "embedding" || leaf === "embeddings" ? "weight" : undefined);
}

function isFixed({ leaf, path }: TensorName, role: Role | undefined, { dtype, shape, use }: TensorInfo): boolean {
  if (use?.isFixed) return true;
  const count = shape.reduce((product, size) => product * size, 1);
  if (role === "counter") return path.length === 0;
  return role === undefined && (!isFloat(dtype) || (count === 1 && SCALARS.has(leaf)));
}

/** Each word is taken apart once: a thousand blocks have the same few. */
function partReader(): (word: string) => PathWord {
  const known = new Map<string, PathWord>();
  return (word) => {
    const part = known.get(word) ?? partOf(word);
    known.set(word, part);
    return part;
  };
}

/** How many words all paths begin with, leaving at least one word to each. */
function sharedWords(paths: readonly (readonly string[])[]): number {
  const [first] = paths;
  if (first === undefined) return 0;
  let shared = Math.min(...paths.map((path) => path.length - 1));
  for (const path of paths) {
    const differs = first.findIndex((word, i) => word !== path[i]);
    if (differs >= 0) shared = Math.min(shared, differs);
  }
  return Math.max(0, shared);
}

/** Paths without wrappers, joined; with them where two would be one. */
function unwrapped(paths: readonly (readonly string[])[]): string[] {
  const bare = paths.map((path) => {
    const start = path.findIndex((word) => !WRAPPERS.has(word));
    return path.slice(start < 0 ? path.length : start).join(".");
  });
  return new Set(bare).size === bare.length ? bare : paths.map((path) => path.join("."));
}

function toModule(
  path: string,
  parts: readonly PathWord[],
  roles: ReadonlyMap<Role, string>,
  { tensors, flip, splitName }: { tensors: Tensors; flip: boolean; splitName: (name: string) => TensorName },
): Module {
  const name = mainTensor(roles, tensors);
  const { shape, use } = tensors.get(name)!;
  const rank = shape.length;
  const { leaf } = splitName(name);
  const layout = layoutOf(leaf, use, flip && rank === 2);
  const bias = roles.get("bias");
  // LayerNorm over channels and positions: its bias has the shape of its weight.
  const isNorm = rank === 1 || (bias !== undefined && tensors.get(bias)!.shape.join() === shape.join());
  if (use?.layout === "other" && !isNorm)
    throw new SpecError(`${name} is no dense tensor or convolution to the file's graph`);
  const channelsLast = layout === "flax" || leaf === "scale";
  const isEmbedding =
    rank === 2 && roles.size === 1 && (leaf.startsWith("embedding") || namesEmbedding(parts.slice(-1)));
  const last = channelsLast ? rank - 1 : 0;
  const [out, input] = isEmbedding ? [1, 0] : isNorm ? [last, last] : layout === "flax" ? [rank - 1, rank - 2] : [0, 1];
  const module: Module = {
    kind: isNorm ? "norm" : isEmbedding ? "embedding" : rank === 2 ? "dense" : "conv",
    path,
    parts,
    name,
    tensors: roles,
    layout: channelsLast ? "flax" : "torch",
    in: shape[input!]!,
    out: shape[out!]!,
    kernel: isNorm || rank === 2 ? [] : layout === "flax" ? shape.slice(0, -2) : shape.slice(2),
    flatten: use?.layout ? use.flatten : channelsLast ? "channel-minor" : "channel-major",
  };
  checkVectors(module, tensors);
  return module;
}

function mainTensor(roles: ReadonlyMap<Role, string>, tensors: Tensors): string {
  const name = roles.get("weight") ?? roles.get("mean") ?? roles.get("variance");
  if (name === undefined) {
    const [other] = roles.values();
    throw new SpecError(`${other} has no weight beside it, expected one`);
  }
  if (tensors.get(name)!.shape.length === 0) throw new SpecError(`${name} is a scalar`);
  return name;
}

/** The layout by the file's graph, else by the name: Haiku calls a matrix `w`; like Flax it stores [in, out]. */
function layoutOf(leaf: string, use: GraphUse | undefined, flip: boolean): Layout {
  if (use?.layout) return use.layout === "in-out" ? "flax" : "torch";
  return (leaf === "kernel" || leaf === "w") !== flip ? "flax" : "torch";
}

/** Biases and statistics are as long as the module has channels out. */
function checkVectors({ name, tensors: roles, in: input, out, kind }: Module, tensors: Tensors): void {
  const main = tensors.get(name)!.shape;
  for (const [role, other] of roles) {
    if (role === "counter" || other === name) continue;
    const { shape } = tensors.get(other)!;
    const fits = shape.length === 1 ? shape[0] === out : kind === "norm" && shape.join() === main.join();
    if (!fits && kind === "conv" && shape.length === 1 && shape[0] === input)
      throw new SpecError(`${name} has a bias of ${shape[0]}: it is a transposed convolution, expected ordinary ones`);
    if (!fits)
      throw new SpecError(
        `${other} has shape [${shape.join(", ")}], expected [${out}] as ${name} has ${out} channels out`,
      );
    if (kind !== "norm" && role !== "bias") throw new SpecError(`${other} is a statistic beside ${name}`);
  }
}

/** Takes the axes of tensors one by one, as a `SpecBuilder` does. */
export interface Listing {
  tensor(name: string, axes: readonly (string | null)[], options: { readonly votes: boolean }): unknown;
  /**
   * The error for a permutation that moves blocks of `inner` units by `outer`, and units inside each block freely.
   */
  nested(name: string, outer: string, inner: number): unknown;
}

/** Lists every tensor of a module, with `out` on its channels out and `input` on its channels in. */
export function listModule(
  listing: Listing,
  module: Module,
  tensors: Tensors,
  out: string | null,
  input: string | null,
): void {
  for (const [role, name] of module.tensors) {
    const rank = tensors.get(name)!.shape.length;
    const free: null[] = new Array(Math.max(0, rank - (module.kind === "norm" ? 1 : 2))).fill(null);
    const votes = role === "weight" || role === "bias";
    const last = module.layout === "flax";
    if (module.kind === "embedding") listing.tensor(name, [null, out], { votes });
    else if (role === "counter") listing.tensor(name, new Array<null>(rank).fill(null), { votes: false });
    else if (rank === 1) listing.tensor(name, [out], { votes });
    else if (module.kind === "norm") listing.tensor(name, last ? [...free, out] : [out, ...free], { votes });
    else listing.tensor(name, last ? [...free, input, out] : [out, input, ...free], { votes });
  }
}
