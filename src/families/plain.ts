/** Plain chains, without skip connections: what the families mlp and vgg have in common. */

import { resolveSpec } from "../axes/resolve-spec.ts";
import { toAxis } from "../axes/spec-builder.ts";
import type { Spec, TensorSpec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import { arrangeNorms, type Chain, checkChain, INPUT, walkChain } from "./chain.ts";
import type { Module, Tensors } from "./modules.ts";
import { chooseOrder } from "./order.ts";
import { haveWord, unnumbered, type Words } from "./words.ts";

/** Words for what runs around a chain. */
const RESIDUAL: Words = {
  whole: new Set(["res", "downsample", "identity"]),
  starts: ["resid", "skip"],
  ends: [],
  parts: ["shortcut", "resblock", "residual"],
};

/** The spec of a chain and its modules in the order in which they run. */
export interface PlainChain {
  readonly spec: Spec;
  /** Convolutions and dense matrices. */
  readonly operations: readonly Module[];
  /** The same with the norms among them. */
  readonly steps: readonly Module[];
  /** What was assumed, to be added to a sentence; empty when nothing was. */
  readonly notes: string;
}

/**
 * The spec of a plain chain: convolutions, then dense matrices, norms between. `name` names what comes out of each
 * operation. Throws `SpecError` saying what does not fit.
 */
export function plainChain(
  modules: readonly Module[],
  tensors: Tensors,
  name: (module: Module, k: number) => string,
): PlainChain {
  for (const module of modules) {
    const word = module.path.split(".").find((each) => haveWord(RESIDUAL, unnumbered(each)));
    if (word !== undefined)
      throw new SpecError(`${module.name} is named after "${word}", expected a chain without skip connections`);
  }
  const convs = modules.filter((module) => module.kind === "conv");
  const denses = modules.filter((module) => module.kind === "dense");
  const norms = modules.filter((module) => module.kind === "norm");
  if (convs.length + denses.length < 2) throw tooFew([...convs, ...denses]);
  const operations = chooseOrder(convs, denses, (order) => checkChain(order, INPUT, tensors));
  const [post, pre] = [arrangeNorms(operations, norms, "post"), arrangeNorms(operations, norms, "pre")];
  let failure: SpecError | undefined;
  for (const [i, steps] of [...post, ...pre].entries()) {
    try {
      const spec = chainSpec({ steps, entry: INPUT, exit: null, name }, tensors);
      resolveSpec(spec, tensors);
      return { spec, operations, steps, notes: normNotes(norms) };
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      if (i === 0) failure = error;
    }
  }
  throw failure ?? normNowhere(norms[0]!);
}

const tooFew = (operations: readonly Module[]): SpecError => {
  const only = operations.map((module) => module.name).join("") || "none";
  return new SpecError(
    `model has fewer than two dense or convolution tensors (${only}), expected hidden units between two`,
  );
};

const normNowhere = ({ name }: Module): SpecError =>
  new SpecError(`${name} stands nowhere in the chain, expected numbers that say after which tensor it comes`);

function chainSpec(chain: Chain, tensors: Tensors): Spec {
  const listed = new Map<string, TensorSpec>();
  walkChain(chain, tensors, {
    tensor: (name, axes, { votes }) => listed.set(name, { axes: axes.map(toAxis), votes }),
  });
  const spec: Spec = { tensors: listed, permutations: new Map(), rest: "refused" };
  return { ...spec, tensors: inModelOrder(spec, tensors) };
}

/** The spec's tensors in the model's order, for people who read them. */
export function inModelOrder(spec: Spec, tensors: Tensors): Spec["tensors"] {
  const listed = [...tensors.keys()].filter((name) => spec.tensors.has(name));
  return new Map(listed.map((name) => [name, spec.tensors.get(name)!]));
}

/** How a layout is called in messages. */
export function layoutName(modules: readonly Module[]): string {
  return modules.some((module) => module.layout === "flax") ? "Flax or Keras layout" : "PyTorch layout";
}

/** A number and its noun: `1 convolution`, `3 dense tensors`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** GroupNorm's number of groups is not in its shapes. */
export function normNotes(norms: readonly Module[]): string {
  const grouped = norms.some((norm) => norm.kind === "norm" && /(^|[._])(gn|group_?norm)/i.test(norm.path));
  return grouped ? ", GroupNorm taken to have one group" : "";
}
