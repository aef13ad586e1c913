/**
 * Family `resnet`: a stem, residual blocks, a dense head. Every residual stream has one permutation: blocks with an
 * identity shortcut share it, and a convolution on the shortcut starts a new one. Source: Git Re-Basin, Ainsworth et
 * al. 2022, section 3 and appendix. CIFAR, torchvision and timm names; basic and bottleneck blocks; norms after or
 * before.
 */

import { resolveSpec } from "../axes/resolve-spec.ts";
import { type SpecBuilder, specBuilder } from "../axes/spec-builder.ts";
import type { Spec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import { type Chain, checkChain, type Flow, fitsAfter, INPUT, walkChain } from "./chain.ts";
import { type Module, readModules, type Tensors } from "./modules.ts";
import { unknownGroups, whatSays } from "./norm-groups.ts";
import { arrangeNorms, type Side } from "./norms.ts";
import type { Told } from "./options.ts";
import { chooseOrder, compareNatural } from "./order.ts";
import { inModelOrder, layoutName, plural } from "./plain.ts";
import { type Block, type Blocks, checkBlocks, findBlocks, isHead } from "./resnet-blocks.ts";
import { refuseGroups, refuseTogether } from "./structure.ts";
import { groupsInWords } from "./vocabulary.ts";

/**
 * The spec of a residual network: `S0`, `S1`, … for the streams, `layer1.0.a` and so on inside blocks. Norms are
 * one-dimensional. Throws `SpecError` naming what does not fit: a shortcut that widens without a convolution (zero
 * padding), grouped convolutions, modules that no known residual network has.
 */
export function resnetSpec(tensors: Tensors, told: Told): Spec {
  return residualNetwork(tensors, told).spec;
}

/** One residual block: modules in the order in which they run, norms among them. */
export interface ResidualBlock {
  readonly path: string;
  readonly main: readonly Module[];
  /** Empty for an identity. */
  readonly shortcut: readonly Module[];
}

/** A residual network's spec and its modules in the order in which they run. */
export interface ResidualNetwork {
  readonly spec: Spec;
  /** Whether norms come after convolutions or before. */
  readonly side: Side;
  readonly stem: readonly Module[];
  readonly blocks: readonly ResidualBlock[];
  readonly head: readonly Module[];
}

/** The modules of a residual network in order, and their spec. Throws `SpecError` as `resnetSpec` does. */
export function residualNetwork(tensors: Tensors, told: Told): ResidualNetwork {
  const read = readModules(tensors);
  if (!read.modules.some((module) => module.kind === "conv")) throw new SpecError("model has no convolution");
  const found = findBlocks(read.modules);
  if (found === null) throw new SpecError("model has no residual blocks, expected names such as layer1.0.conv1");
  checkBlocks(found);
  const build = (side: Side): ResidualNetwork => buildSpec(found, side, read.fixed, tensors, told);
  const post = attempt(() => build("post"));
  const pre = attempt(() => build("pre"));
  if (post instanceof SpecError && pre instanceof SpecError) throw post;
  return chooseSide(found, post, pre);
}

function attempt(build: () => ResidualNetwork): ResidualNetwork | SpecError {
  try {
    return build();
  } catch (error) {
    if (error instanceof SpecError) return error;
    throw error;
  }
}

/**
 * Where all widths are equal, norms fit before and after convolutions. Then a norm named as the stem's means a network
 * that normalises after; any other means one that normalises before.
 */
function chooseSide(
  found: Blocks,
  post: ResidualNetwork | SpecError,
  pre: ResidualNetwork | SpecError,
): ResidualNetwork {
  if (post instanceof SpecError) return pre as ResidualNetwork;
  const inside = [...found.blocks.values()].find(({ main }) => main.some((module) => module.kind === "norm"));
  if (pre instanceof SpecError || inside === undefined) return post;
  const norms = found.outside.filter((module) => module.kind === "norm" && !isHead(module.path));
  const numbers = (module: Module): string => module.parts.flatMap((part) => part.numbers).join();
  const parent = ({ path }: Module): string => path.slice(0, Math.max(0, path.lastIndexOf(".")));
  const stem = stemConvs(found.outside);
  const named = norms.some((norm) =>
    stem.some((conv) => numbers(conv) === numbers(norm) && parent(conv) === parent(norm)),
  );
  if (norms.length === 0)
    throw new SpecError(
      `${inside.main.find((module) => module.kind === "norm")!.name} fits before its convolution and after it`,
    );
  const chosen = named ? post : pre;
  const assumptions = [`norms stand ${named ? "after" : "before"} convolutions`];
  return { ...chosen, spec: { ...chosen.spec, assumptions } };
}

function stemConvs(outside: readonly Module[]): Module[] {
  return outside.filter((module) => module.kind === "conv" && !isHead(module.path));
}

interface Plan {
  readonly tensors: Tensors;
  readonly builder: SpecBuilder;
  readonly side: Side;
  readonly told: Told;
  /** Norms in the blocks are LayerNorms by their words: those without a word are the same. */
  readonly oneGroup: boolean;
  /** Arranged modules by the prefix of their permutations. */
  readonly arranged: Map<string, readonly Module[]>;
}

function buildSpec(
  { blocks, outside }: Blocks,
  side: Side,
  fixed: readonly string[],
  tensors: Tensors,
  told: Told,
): ResidualNetwork {
  const plan: Plan = {
    tensors,
    builder: specBuilder(),
    side,
    told,
    oneGroup: sayOneGroup([...blocks.values()]),
    arranged: new Map(),
  };
  for (const name of fixed) {
    const axes = tensors.get(name)!.shape.map(() => null);
    plan.builder.tensor(name, axes, { votes: false });
  }
  const convs = stemConvs(outside);
  const head = outside.filter((module) => module.kind !== "norm" && !convs.includes(module));
  if (head.length === 0) throw new SpecError("model has no dense head, expected one");
  const stem = chooseOrder(convs, fitsAfter, (order) => checkChain(order, INPUT, tensors));
  let flow: Flow = { permutation: "S0", width: stem.at(-1)!.out, spatial: true, from: stem.at(-1)!.name };
  const streams = [flow.width!];
  for (const [path, block] of blocks) {
    const starts = block.shortcut.some((module) => module.kind !== "norm");
    const exit = starts ? `S${streams.length}` : flow.permutation!;
    flow = walkBlock(plan, path, block, flow, exit);
    if (starts) streams.push(flow.width!);
  }
  const { stemNorms, headNorms } = splitNorms(outside, stem, flow.width!, side);
  walkArranged(plan, stem, stemNorms, "named", { entry: INPUT, exit: "S0", prefix: "stem" });
  walkHead(plan, head, headNorms, flow);
  return networkOf(plan, blocks, explain(blocks, outside, streams, side));
}

/** The planned spec, once the builder has all of it. */
function networkOf({ tensors, builder, side, arranged }: Plan, blocks: Blocks["blocks"], why: string): ResidualNetwork {
  const spec = builder.build();
  resolveSpec(spec, tensors);
  return {
    spec: {
      ...spec,
      tensors: inModelOrder(spec, tensors),
      family: "resnet",
      why,
      frozen: [],
      basis: "architecture",
      assumptions: [],
    },
    side,
    stem: arranged.get("stem")!,
    blocks: [...blocks.keys()].map((path) => {
      const prefix = permutationPrefix(path);
      return { path, main: arranged.get(prefix)!, shortcut: arranged.get(`${prefix}.shortcut`) ?? [] };
    }),
    head: arranged.get("head")!,
  };
}

function explain(blocks: Blocks["blocks"], outside: readonly Module[], streams: readonly number[], side: Side): string {
  const modules = [...outside, ...[...blocks.values()].flatMap(({ main }) => main)];
  const kind = mainConvs([...blocks.values()].at(-1)!).length === 3 ? "bottleneck block" : "basic block";
  const on = `on ${plural(streams.length, "residual stream")} (${streams.join("-")})`;
  const norms = modules.some((module) => module.kind === "norm")
    ? `, norms ${side === "post" ? "after" : "before"} convolutions`
    : "";
  const layout = layoutName(modules.filter((module) => module.kind !== "norm"));
  return `${plural(blocks.size, kind)} ${on}${norms}, ${layout}`;
}

function mainConvs({ main }: Block): Module[] {
  return main.filter((module) => module.kind === "conv");
}

/** Norms outside the blocks belong to the stem, or come before the head as in networks that normalise first. */
function splitNorms(
  outside: readonly Module[],
  stem: readonly Module[],
  width: number,
  side: Side,
): { stemNorms: Module[]; headNorms: Module[] } {
  const norms = outside.filter((module) => module.kind === "norm");
  const toHead = (norm: Module): boolean => {
    const fitsStem = stem.some((conv) => conv.out === norm.out);
    return isHead(norm.path) || !fitsStem || (norm.out === width && side === "pre");
  };
  return { stemNorms: norms.filter((norm) => !toHead(norm)), headNorms: norms.filter(toHead) };
}

/** Convolutions in a chain, in a block each with the norm of its number on the network's side. */
function walkArranged(
  plan: Plan,
  operations: readonly Module[],
  norms: readonly Module[],
  side: Side | "named",
  chain: { entry: Flow; exit: string | null; prefix: string },
): Flow {
  const name = (_: Module, k: number): string => `${chain.prefix}.${String.fromCharCode(97 + k)}`;
  const steps = side === "named" ? arrangeNorms(operations, norms) : pairNorms(operations, norms, side);
  plan.arranged.set(chain.prefix, steps);
  return walkSteps(plan, { steps, entry: chain.entry, exit: chain.exit, name });
}

function walkSteps(plan: Plan, chain: Omit<Chain, "groupsOf">): Flow {
  const groups = (norm: Module): number => {
    const says = whatSays(norm, plan.tensors);
    if (says === 1 || (says === undefined && plan.oneGroup)) return 1;
    if (plan.told.normGroups === undefined) throw unknownGroups(norm);
    return plan.told.normGroups;
  };
  return walkChain({ ...chain, groupsOf: groups }, plan.tensors, plan.builder);
}

function sayOneGroup(blocks: readonly Block[]): boolean {
  const norms = blocks.flatMap(({ main }) => main.filter((module) => module.kind === "norm"));
  return norms.length > 0 && norms.every(({ parts }) => groupsInWords(parts) === "one");
}

function pairNorms(operations: readonly Module[], norms: readonly Module[], side: Side): Module[] {
  const sorted = [...norms].sort((a, b) => compareNatural(a.path, b.path));
  return operations.flatMap((operation, k) => {
    const own = sorted.slice(k, k + 1);
    return side === "post" ? [operation, ...own] : [...own, operation];
  });
}

function walkBlock(plan: Plan, path: string, block: Block, entry: Flow, exit: string): Flow {
  const convs = mainConvs(block);
  const norms = block.main.filter((module) => module.kind === "norm");
  const order = [...convs].sort((a, b) => compareNatural(a.path, b.path));
  checkChain(order, entry, plan.tensors);
  refuseGroups([{ ...order[0]!, out: order[0]!.in }, ...order]);
  const shortcut = block.shortcut.filter((module) => module.kind !== "norm");
  const [width, before] = [order.at(-1)!.out, entry.width!];
  if (shortcut.length === 0 && width !== before) {
    const verb = width > before ? "widens" : "narrows";
    throw new SpecError(
      `${path} ${verb} ${before} to ${width} without a convolution shortcut: a shortcut padded with zeros ties units of two streams, expected a convolution`,
    );
  }
  const prefix = permutationPrefix(path);
  const flow = walkArranged(plan, order, norms, plan.side, { entry, exit, prefix });
  const shortcutNorms = block.shortcut.filter((module) => module.kind === "norm");
  if (block.shortcut.length === 0) return flow;
  const around = walkArranged(plan, shortcut, shortcutNorms, "post", {
    entry,
    exit,
    prefix: `${prefix}.shortcut`,
  });
  if (around.width === flow.width) return flow;
  throw new SpecError(`${path} has a shortcut of ${around.width} channels, expected ${flow.width}`);
}

function walkHead(plan: Plan, head: readonly Module[], norms: readonly Module[], entry: Flow): void {
  const order = chooseOrder(
    head,
    (before, module) => before === undefined || fitsAfter(before, module),
    (each) => checkChain(each, entry, plan.tensors),
  );
  refuseTogether(order[0]!, entry.width!);
  // Norms of the stream's width come first; others stand between the head's own matrices.
  const first = norms.filter((norm) => norm.out === entry.width);
  const between = norms.filter((norm) => !first.includes(norm));
  const flow = walkSteps(plan, { steps: first, entry, exit: null, name: () => "" });
  walkArranged(plan, order, between, "named", { entry: flow, exit: null, prefix: "head" });
  plan.arranged.set("head", [...first, ...plan.arranged.get("head")!]);
}

/** A block's path as the start of permutation names: legal characters, no digit first. */
function permutationPrefix(path: string): string {
  const legal = path.replaceAll(/[^A-Za-z0-9._-]/g, "-");
  return /^\d/.test(legal) ? `block.${legal}` : legal;
}
