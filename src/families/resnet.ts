/**
 * Family `resnet`: a stem, residual blocks, a dense head. Every residual stream has one permutation: blocks with an
 * identity shortcut share it, a convolution on the shortcut starts a new one (Git Re-Basin, Ainsworth et al. 2022,
 * section 3 and appendix). CIFAR, torchvision and timm names; basic and bottleneck blocks; norms after or before.
 */

import { resolveSpec } from "../axes/resolve-spec.ts";
import { type SpecBuilder, specBuilder } from "../axes/spec-builder.ts";
import type { Spec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import { arrangeNorms, checkChain, type Flow, INPUT, type Side, standsByName, walkChain } from "./chain.ts";
import { type Module, readModules, type Tensors } from "./modules.ts";
import { chooseOrder } from "./order.ts";
import { inModelOrder, layoutName, normNotes, plural } from "./plain.ts";
import { type Block, type Blocks, findBlocks } from "./resnet-blocks.ts";

const HEAD = /(^|\.)(head|fc|linear|classifier|logits|output|predictions?|dense|project(or|ion))(_?\d+)?(\.|$)/i;

/**
 * The spec of a residual network: `S0`, `S1`, … for the streams, `layer1.0.a` and so on inside blocks. Norms are
 * one-dimensional; GroupNorm is taken to have one group. Throws `SpecError` saying what does not fit; a shortcut that
 * widens without a convolution (zero padding) and grouped convolutions are refused.
 */
export function resnetSpec(tensors: Tensors): Spec {
  return residualNetwork(tensors).spec;
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
  /** Whether norms stand after convolutions or before. */
  readonly side: Side;
  readonly stem: readonly Module[];
  readonly blocks: readonly ResidualBlock[];
  readonly head: readonly Module[];
}

/** The modules of a residual network in order, and their spec. Throws `SpecError` as `resnetSpec` does. */
export function residualNetwork(tensors: Tensors): ResidualNetwork {
  const modules = readModules(tensors);
  if (!modules.some((module) => module.kind === "conv"))
    throw new SpecError("model has no convolution, expected residual blocks of two or three");
  const found = findBlocks(modules);
  if (found === null)
    throw new SpecError("model has no residual blocks by their names, expected names such as layer1.0.conv1");
  const post = attempt(() => buildSpec(found, "post", tensors));
  const pre = attempt(() => buildSpec(found, "pre", tensors));
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
 * Where all widths are equal, norms fit before and after convolutions. Then a norm that is named as the stem's tells
 * networks that normalise after.
 */
function chooseSide(
  found: Blocks,
  post: ResidualNetwork | SpecError,
  pre: ResidualNetwork | SpecError,
): ResidualNetwork {
  if (post instanceof SpecError) return pre as ResidualNetwork;
  if (pre instanceof SpecError) return post;
  const stem = stemConvs(found.outside);
  const norms = found.outside.filter((module) => module.kind === "norm" && !HEAD.test(module.path));
  const inside = [...found.blocks.values()].some(({ main }) => main.some((module) => module.kind === "norm"));
  return !inside || norms.some((norm) => standsByName(stem, norm)) ? post : pre;
}

function stemConvs(outside: readonly Module[]): Module[] {
  return outside.filter((module) => module.kind === "conv" && !HEAD.test(module.path));
}

interface Plan {
  readonly tensors: Tensors;
  readonly builder: SpecBuilder;
  readonly side: Side;
  /** Arranged modules by the prefix of their permutations. */
  readonly arranged: Map<string, readonly Module[]>;
}

function buildSpec({ blocks, outside }: Blocks, side: Side, tensors: Tensors): ResidualNetwork {
  const plan: Plan = { tensors, builder: specBuilder(), side, arranged: new Map() };
  const convs = stemConvs(outside);
  const head = outside.filter((module) => module.kind !== "norm" && !convs.includes(module));
  if (head.length === 0)
    throw new SpecError("model has no dense head, expected one: the last residual stream would be its output");
  const stem = chooseOrder(convs, [], (order) => checkChain(order, INPUT, tensors));
  let flow: Flow = { permutation: "S0", width: stem.at(-1)!.out, spatial: true, from: stem.at(-1)!.name };
  const streams = [flow.width!];
  for (const [path, block] of blocks) {
    const starts = block.shortcut.some((module) => module.kind !== "norm");
    const exit = starts ? `S${streams.length}` : flow.permutation!;
    flow = walkBlock(plan, path, block, flow, exit);
    if (starts) streams.push(flow.width!);
  }
  const { stemNorms, headNorms } = splitNorms(outside, stem, flow.width!, side);
  walkArranged(plan, stem, stemNorms, "post", { entry: INPUT, exit: "S0", prefix: "stem" });
  walkHead(plan, head, headNorms, flow);
  const spec = plan.builder.build();
  resolveSpec(spec, tensors);
  const why = explain(blocks, outside, streams, side);
  return {
    spec: { ...spec, tensors: inModelOrder(spec, tensors), family: "resnet", why, frozen: [] },
    side,
    stem: plan.arranged.get("stem")!,
    blocks: [...blocks.keys()].map((path) => {
      const prefix = permutationPrefix(path);
      return { path, main: plan.arranged.get(prefix)!, shortcut: plan.arranged.get(`${prefix}.shortcut`) ?? [] };
    }),
    head: plan.arranged.get("head")!,
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
  return `${plural(blocks.size, kind)} ${on}${norms}, ${layout}${normNotes(modules)}`;
}

function mainConvs({ main }: Block): Module[] {
  return main.filter((module) => module.kind === "conv");
}

/** Norms outside the blocks belong to the stem, or stand before the head as in networks that normalise first. */
function splitNorms(
  outside: readonly Module[],
  stem: readonly Module[],
  width: number,
  side: Side,
): { stemNorms: Module[]; headNorms: Module[] } {
  const norms = outside.filter((module) => module.kind === "norm");
  const toHead = (norm: Module): boolean => {
    const fitsStem = stem.some((conv) => conv.out === norm.out);
    return HEAD.test(norm.path) || !fitsStem || (norm.out === width && side === "pre");
  };
  return { stemNorms: norms.filter((norm) => !toHead(norm)), headNorms: norms.filter(toHead) };
}

/** Convolutions (and norms on `side`) in a chain: the first arrangement of the norms that fits. */
function walkArranged(
  plan: Plan,
  operations: readonly Module[],
  norms: readonly Module[],
  side: Side,
  chain: { entry: Flow; exit: string | null; prefix: string },
): Flow {
  const name = (_: Module, k: number): string => `${chain.prefix}.${String.fromCharCode(97 + k)}`;
  const entry = chain.entry;
  let failure = new SpecError(
    `${norms[0]?.name} stands nowhere in the chain, expected numbers that say to which convolution it belongs`,
  );
  for (const [i, steps] of arrangeNorms(operations, norms, side).entries()) {
    try {
      checkChain(steps, entry, plan.tensors);
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      if (i === 0) failure = error;
      continue;
    }
    plan.arranged.set(chain.prefix, steps);
    return walkChain({ steps, entry, exit: chain.exit, name }, plan.tensors, plan.builder);
  }
  throw failure;
}

function walkBlock(plan: Plan, path: string, block: Block, entry: Flow, exit: string): Flow {
  const convs = mainConvs(block);
  const norms = block.main.filter((module) => module.kind === "norm");
  const other = block.main.find((module) => module.kind === "dense");
  if (other !== undefined || convs.length > 3) {
    throw new SpecError(
      `${path} has ${convs.length} convolutions${other ? ` and the dense ${other.name}` : ""}, expected two or three convolutions`,
    );
  }
  const order = chooseOrder(convs, [], (each) => checkChain(each, entry, plan.tensors));
  const shortcut = block.shortcut.filter((module) => module.kind !== "norm");
  const [width, before] = [order.at(-1)!.out, entry.width!];
  if (shortcut.length === 0 && width !== before) {
    const verb = width > before ? "widens" : "narrows";
    throw new SpecError(
      `${path} ${verb} ${before} to ${width} without a convolution shortcut: a shortcut padded with zeros ties units of two streams to each other and to the padding, expected a convolution there`,
    );
  }
  const prefix = permutationPrefix(path);
  const flow = walkArranged(plan, order, norms, plan.side, { entry, exit, prefix });
  const shortcutNorms = block.shortcut.filter((module) => module.kind === "norm");
  if (block.shortcut.length === 0) return flow;
  const shortcutOrder = chooseOrder(shortcut, [], (each) => checkChain(each, entry, plan.tensors));
  const around = walkArranged(plan, shortcutOrder, shortcutNorms, "post", {
    entry,
    exit,
    prefix: `${prefix}.shortcut`,
  });
  if (around.width === flow.width) return flow;
  throw new SpecError(
    `${path} has a shortcut of ${around.width} channels, expected ${flow.width} as its main path gives`,
  );
}

function walkHead(plan: Plan, head: readonly Module[], norms: readonly Module[], entry: Flow): void {
  const convs = head.filter((module) => module.kind === "conv");
  const denses = head.filter((module) => module.kind === "dense");
  const order = chooseOrder(convs, denses, (each) => checkChain(each, entry, plan.tensors));
  // Norms of the stream's width come first; others stand between the head's own matrices.
  const first = norms.filter((norm) => norm.out === entry.width);
  const between = norms.filter((norm) => !first.includes(norm));
  const flow = walkNorms(plan, first, entry);
  walkArranged(plan, order, between, "post", { entry: flow, exit: null, prefix: "head" });
  plan.arranged.set("head", [...first, ...plan.arranged.get("head")!]);
}

function walkNorms(plan: Plan, norms: readonly Module[], entry: Flow): Flow {
  return walkChain({ steps: norms, entry, exit: null, name: () => "" }, plan.tensors, plan.builder);
}

/** A block's path as the start of permutation names: legal characters, no digit first. */
function permutationPrefix(path: string): string {
  const legal = path.replaceAll(/[^A-Za-z0-9._-]/g, "-");
  return /^\d/.test(legal) ? `block.${legal}` : legal;
}
