/**
 * A model's tensors grouped into modules: dense matrices, convolutions and norms, with what their shapes say. What is
 * none of these is refused by name, so that no family describes a model it only half understands.
 */

import type { Layout } from "../axes/spec-builder.ts";
import { describeTensor } from "../base/compare-tensors.ts";
import { SpecError } from "../base/errors.ts";
import type { TensorInfo } from "../base/model.ts";
import { type Role, tensorName } from "../base/tensor-names.ts";
import { haveWord, unnumbered, type Words } from "./words.ts";

/** The part of a model that families look at. */
export type Tensors = ReadonlyMap<string, TensorInfo>;

export interface Module {
  readonly kind: "dense" | "conv" | "norm";
  /** Path without wrappers such as `module.`, words joined by `.`. */
  readonly path: string;
  /** Name of its main tensor, for messages. */
  readonly name: string;
  /** Names of its tensors. */
  readonly tensors: ReadonlyMap<Role, string>;
  readonly layout: Layout;
  /** Channels in and out; of a norm both are its channels. */
  readonly in: number;
  readonly out: number;
}

/** Longer names are not looked at: the patterns for names take quadratic time, and no real name comes near. */
const LONGEST_NAME = 512;

/** Words that wrap a whole model and say nothing of its structure. */
const WRAPPERS: ReadonlySet<string> = new Set(
  "module model models net network backbone trunk resnet vgg mlp cnn _orig_mod state_dict".split(" "),
);

/** Words of attention, recurrence, gating and dense connections: what follows them is no plain chain. */
const FOREIGN: Words = {
  whole: new Set(
    "q k v o qproj kproj vproj oproj q_proj k_proj v_proj o_proj qkv query key value embed expert experts router se cbam eca denseblock denselayer".split(
      " ",
    ),
  ),
  starts: ["rnn", "lora", "branch"],
  ends: ["attn", "attention", "embedding", "embeddings", "lstm", "gru", "gate"],
  parts: ["squeeze", "excit"],
};

/**
 * Groups tensors into modules, in file order. Throws `SpecError` naming the first tensor that is no part of a dense
 * matrix, a convolution or a norm, or whose name speaks of another kind of network. `flip` reads dense matrices in the
 * other layout than their names say.
 */
export function readModules(tensors: Tensors, flip = false): Module[] {
  if (tensors.size === 0) throw new SpecError("model has no tensors, expected some");
  const groups = groupTensors(tensors, true) ?? groupTensors(tensors, false);
  if (groups === null)
    throw new SpecError("model has two tensors of one role in one module, expected names to tell them apart");
  return [...groups].map(([path, roles]) => toModule(path, roles, tensors, flip));
}

/** Null when two tensors fall on one role of one module. */
function groupTensors(tensors: Tensors, unwrap: boolean): Map<string, Map<Role, string>> | null {
  const groups = new Map<string, Map<Role, string>>();
  for (const [name, info] of tensors) {
    if (name.length > LONGEST_NAME)
      throw new SpecError(
        `${name.slice(0, 40)}… has a name of ${name.length} characters, expected at most ${LONGEST_NAME}`,
      );
    const { path, role } = tensorName(name);
    const foreign = path.find((word) => haveWord(FOREIGN, unnumbered(word)));
    if (foreign !== undefined)
      throw new SpecError(`${name} is named after "${foreign}", expected dense, convolution and norm tensors only`);
    if (role === undefined)
      throw new SpecError(
        `${name} is ${describeTensor(info)}, expected a weight, a bias or a norm's statistics by its name`,
      );
    const start = unwrap ? path.findIndex((word) => !WRAPPERS.has(word)) : 0;
    const key = path.slice(start < 0 ? path.length : start).join(".");
    const roles = groups.get(key) ?? new Map<Role, string>();
    if (roles.has(role)) return null;
    groups.set(key, roles.set(role, name));
  }
  return groups;
}

function toModule(path: string, roles: ReadonlyMap<Role, string>, tensors: Tensors, flip: boolean): Module {
  const name = roles.get("weight") ?? roles.get("mean") ?? roles.get("variance");
  if (name === undefined) {
    const [other] = roles.values();
    throw new SpecError(`${other} has no weight beside it, expected one`);
  }
  const { shape } = tensors.get(name)!;
  const rank = shape.length;
  const named = tensorName(name).leaf === "kernel" ? "flax" : "torch";
  const layout: Layout = flip && rank === 2 ? (named === "flax" ? "torch" : "flax") : named;
  const bias = roles.get("bias");
  // LayerNorm over channels and positions: its bias has the shape of its weight.
  const isNorm = rank === 1 || (bias !== undefined && tensors.get(bias)!.shape.join() === shape.join());
  if (rank === 0) throw new SpecError(`${name} is a scalar, expected a dense, convolution or norm tensor`);
  const channelsLast = layout === "flax" || tensorName(name).leaf === "scale";
  const axes = isNorm
    ? channelsLast
      ? [rank - 1, rank - 1]
      : [0, 0]
    : layout === "flax"
      ? [rank - 1, rank - 2]
      : [0, 1];
  const out = shape[axes[0]!]!;
  const module: Module = {
    kind: isNorm ? "norm" : rank === 2 ? "dense" : "conv",
    path,
    name,
    tensors: roles,
    layout: channelsLast ? "flax" : "torch",
    in: shape[axes[1]!]!,
    out,
  };
  checkVectors(module, tensors);
  return module;
}

/** Biases and statistics are as long as the module has channels out. */
function checkVectors({ name, tensors: roles, out, kind }: Module, tensors: Tensors): void {
  const main = tensors.get(name)!.shape;
  for (const [role, other] of roles) {
    if (role === "counter" || other === name) continue;
    const { shape } = tensors.get(other)!;
    const fits = shape.length === 1 ? shape[0] === out : kind === "norm" && shape.join() === main.join();
    if (!fits)
      throw new SpecError(
        `${other} has shape [${shape.join(", ")}], expected [${out}] as ${name} has ${out} channels out`,
      );
    if (kind !== "norm" && role !== "bias")
      throw new SpecError(`${other} is a statistic beside ${name}, expected a norm's weight there`);
  }
}

/** Takes the axes of tensors one by one, as a `SpecBuilder` does. */
export interface Listing {
  tensor(name: string, axes: readonly (string | null)[], options: { readonly votes: boolean }): unknown;
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
    if (role === "counter") listing.tensor(name, new Array<null>(rank).fill(null), { votes: false });
    else if (rank === 1) listing.tensor(name, [out], { votes });
    else if (module.kind === "norm") listing.tensor(name, last ? [...free, out] : [out, ...free], { votes });
    else listing.tensor(name, last ? [...free, input, out] : [out, input, ...free], { votes });
  }
}
