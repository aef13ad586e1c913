/** Plain chains, without skip connections: what the families mlp and vgg have in common. */

import { resolveSpec } from "../axes/resolve-spec.ts";
import { toAxis } from "../axes/spec-builder.ts";
import type { NestedPermutation, Spec, TensorSpec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import { assumptionsOf } from "./assumptions.ts";
import { type Chain, checkChain, fitsAfter, INPUT, walkChain } from "./chain.ts";
import type { Module, Modules, Tensors } from "./modules.ts";
import { normGroups } from "./norm-groups.ts";
import { arrangeNorms } from "./norms.ts";
import { orderedModules, type Told } from "./options.ts";
import { chooseOrder } from "./order.ts";
import { checkNames, isEarly, refuseBlocks, refuseBranches, unlikeChain } from "./structure.ts";
import { namesDepthwise, namesTransposed } from "./vocabulary.ts";

/** The spec of a chain and its modules in the order in which they run. */
export interface PlainChain {
  readonly spec: Spec;
  /** Convolutions and dense matrices. */
  readonly operations: readonly Module[];
  /** The same with the norms among them. */
  readonly steps: readonly Module[];
}

/** A chain's modules in order. */
interface Ordered {
  readonly operations: readonly Module[];
  readonly norms: readonly Module[];
  /** With the norms, where people gave their order too. */
  readonly steps?: readonly Module[] | undefined;
}

/**
 * The modules of a plain chain in order. Throws `SpecError` for words of other networks, and where the order is not
 * known.
 */
export function orderChain(read: Modules, tensors: Tensors, told: Told): Ordered {
  const operations = read.modules.filter(({ kind }) => kind !== "norm");
  const norms = read.modules.filter(({ kind }) => kind === "norm");
  if (operations.length < 2) throw tooFew(operations);
  if (told.order !== undefined) {
    const steps = orderedModules(read.modules, told.order);
    const ordered = steps.filter(({ kind }) => kind !== "norm");
    checkChain(ordered, INPUT, tensors);
    return { operations: ordered, norms, steps: steps.length === ordered.length ? undefined : steps };
  }
  return { operations: chooseOrder(operations, fitsAfter, (order) => checkChain(order, INPUT, tensors)), norms };
}

/**
 * The spec of a plain chain: convolutions, then dense matrices, norms between. `name` names what comes out of each
 * operation. Throws `SpecError` naming what does not fit.
 */
export function plainChain(
  read: Modules,
  { operations, norms, steps: given }: Ordered,
  tensors: Tensors,
  told: Told,
  name: (module: Module, k: number) => string,
): PlainChain {
  if (!told.isChain) checkStructure(read, operations);
  const steps = given ?? arrangeNorms(operations, norms);
  const groups = normGroups(steps, tensors, told);
  const [first] = operations;
  const depthwiseFirst = first!.kind === "conv" && namesDepthwise(first!.parts);
  if (depthwiseFirst && first!.in !== 1)
    throw unlikeChain(`${first!.name} is named depthwise and takes ${first!.in} channels`);
  checkReads(operations, tensors, depthwiseFirst);
  const spec = chainSpec(
    { steps, entry: INPUT, exit: null, name, groupsOf: groups.groupsOf, depthwiseFirst },
    read.fixed,
    tensors,
  );
  resolveSpec(spec, tensors);
  const assumptions = assumptionsOf({
    operations,
    steps,
    oneGroup: groups.assumed,
    given: told.order !== undefined,
  });
  return { spec: { ...spec, basis: "chain", assumptions }, operations, steps };
}

/** Refuses what shapes show to be no chain, or may be none. */
function checkStructure({ prefix }: Modules, operations: readonly Module[]): void {
  refuseBlocks(operations);
  refuseBranches(operations);
  for (const module of operations) {
    const { in: input, out, kernel, parts, layout, name } = module;
    if (module.kind !== "conv" || input !== out || kernel.every((side) => side === 1)) continue;
    const even = kernel.length > 1 && kernel.every((side) => side % 2 === 0) && layout === "torch" && !isEarly(module);
    if (even || namesTransposed([...prefix, ...parts]))
      throw unlikeChain(`${name} is [${[out, input, ...kernel].join(", ")}] and may be a transposed convolution`);
  }
}

/** Refuses operations that are no chain in the file's graph, or one in another order. */
function checkReads(operations: readonly Module[], tensors: Tensors, depthwiseFirst: boolean): void {
  for (const [i, { name, in: input }] of operations.entries()) {
    const { reads, groups } = tensors.get(name)?.use ?? {};
    const before = operations[i - 1]?.name ?? "";
    const expected = i > 0 ? operations[i - 1]!.out / input : depthwiseFirst ? groups : 1;
    if (groups !== undefined && groups !== expected)
      throw new SpecError(`${name} has ${groups} groups in the file's graph, expected ${expected} in a chain`);
    // A model opened by a prefix has names without it.
    if (reads === undefined || (reads.length === 1 && (before === "" ? reads[0] === "" : reads[0]!.endsWith(before))))
      continue;
    const found = reads.map((each) => each || "the data").join(" and ") || "no tensor";
    throw new SpecError(
      `${name} reads ${found} in the file's graph, expected ${before || "the data"} alone, as in a chain`,
    );
  }
}

const tooFew = (operations: readonly Module[]): SpecError => {
  const only = operations.map((module) => module.name).join("") || "none";
  return new SpecError(`model has fewer than two dense or convolution tensors (${only})`);
};

function chainSpec(chain: Chain, fixed: readonly string[], tensors: Tensors): Spec {
  const listed = new Map<string, TensorSpec>();
  const permutations = new Map<string, NestedPermutation>();
  for (const name of fixed) listed.set(name, { axes: tensors.get(name)!.shape.map(() => toAxis(null)), votes: false });
  walkChain(chain, tensors, {
    tensor: (name, axes, { votes }) => listed.set(name, { axes: axes.map(toAxis), votes }),
    nested: (name, outer, inner) => permutations.set(name, { outer, inner }),
  });
  const spec: Spec = { tensors: listed, permutations, rest: "refused" };
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

/** Words and structure of names, unless the user states that the model is a chain. */
export function checkChainNames(read: Modules, told: Told): void {
  if (!told.isChain) checkNames(read);
}
