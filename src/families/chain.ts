/**
 * A chain of modules: walking it once gives every tensor its axes, or names the place where the shapes do not meet.
 */

import { SpecError } from "../base/errors.ts";
import { type Listing, listModule, type Module, type Tensors } from "./modules.ts";

/** What flows between two modules. */
export interface Flow {
  /** The text of its axis; null where it must not move: the network's input and output. */
  readonly permutation: string | null;
  /** Channels; null for the network's input, whose size the first module sets. */
  readonly width: number | null;
  /** Channels at many positions, which a dense matrix takes flattened. */
  readonly spatial: boolean;
  /** Positions come before channels when it is flattened, in any layout: rows of an embedding. */
  readonly rows?: boolean | undefined;
  /** Who made it, for messages. */
  readonly from: string;
}

/** The network's input. */
export const INPUT: Flow = { permutation: null, width: null, spatial: true, from: "the input" };

export interface Chain {
  /** Convolutions, dense matrices and norms in the order in which they run. */
  readonly steps: readonly Module[];
  readonly entry: Flow;
  /** The permutation of what comes out of the last convolution or dense matrix; null when it must not move. */
  readonly exit: string | null;
  /** Names what comes out of the k-th convolution or dense matrix, but for the last. */
  readonly name: (module: Module, k: number) => string;
  /** The number of groups of a norm, 1 for most: its units move inside groups, and groups as wholes. */
  readonly groupsOf?: ((norm: Module) => number) | undefined;
  /** The first convolution works on each channel of the data alone. */
  readonly depthwiseFirst?: boolean | undefined;
}

/**
 * Lists every tensor of the chain and returns what comes out. Throws `SpecError` where a module does not take what the
 * one before it gives.
 */
export function walkChain(chain: Chain, tensors: Tensors, listing: Listing): Flow {
  const operations = chain.steps.filter((step) => step.kind !== "norm");
  let flow = chain.entry;
  let k = 0;
  for (const [i, step] of chain.steps.entries()) {
    if (step.kind === "norm") listNorm(chain, i, flow, tensors, listing);
    else flow = walkOperation(chain, operations, k++, flow, tensors, listing);
  }
  return flow;
}

function walkOperation(
  chain: Chain,
  operations: readonly Module[],
  k: number,
  flow: Flow,
  tensors: Tensors,
  listing: Listing,
): Flow {
  const step = operations[k]!;
  const groups = groupsOf(flow, step);
  const input = groups > 1 ? groupedInput(flow, step) : inputAxis(flow, step);
  const last = k === operations.length - 1;
  const name = last ? chain.exit : chain.name(step, k);
  if (last && groups > 1 && flow.permutation !== null) throw groupFault(step);
  const isData = flow.width === null && chain.depthwiseFirst === true;
  let axis = name === null || isData ? null : groups > 1 ? groupedOutput(flow, step, groups, name, listing) : name;
  const given = { width: step.out, spatial: step.kind !== "dense", rows: step.kind === "embedding", from: step.name };
  const next = groupsOf({ ...given, permutation: axis }, operations[k + 1]);
  if (axis !== null && next > 1 && next < step.out) {
    // Channels that the next convolution takes in groups move as groups, and alike inside each.
    if (groups > 1) throw groupFault(operations[k + 1]!);
    axis = `${axis}.groups*${axis}`;
  }
  listModule(listing, step, tensors, axis, input);
  return { ...given, permutation: axis };
}

const NO_LISTING: Listing = { tensor: () => undefined, nested: () => undefined };

/** Throws `SpecError` unless the modules chain from `entry`. */
export function checkChain(steps: readonly Module[], entry: Flow, tensors: Tensors): void {
  walkChain({ steps, entry, exit: null, name: (_, k) => `P${k}` }, tensors, NO_LISTING);
}

/** True where `module` can take what `before` gives; `before` undefined is the network's input. */
export function fitsAfter(before: Module | undefined, module: Module): boolean {
  if (before === undefined) return true;
  const flow = { ...INPUT, width: before.out, spatial: before.kind !== "dense", rows: before.kind === "embedding" };
  return module.kind !== "embedding" && (groupsOf(flow, module) > 1 || inputFits(flow, module));
}

/** The groups of a convolution on the stream: 1 for an ordinary one. */
export function groupsOf({ width, spatial, rows }: Flow, step: Module | undefined): number {
  if (step?.kind !== "conv" || width === null || !spatial || rows || step.in >= width || step.in === 0) return 1;
  const groups = width / step.in;
  return Number.isInteger(groups) && step.out % groups === 0 ? groups : 1;
}

function inputFits({ width, spatial, rows }: Flow, step: Module): boolean {
  if (width === null) return true;
  if (step.kind === "embedding") return false;
  if (step.kind === "conv") return spatial && step.in === width && !(rows && step.kernel.length !== 1);
  return step.in === width || (spatial && step.in > 0 && step.in % width === 0);
}

function inputAxis(flow: Flow, step: Module): string | null {
  const { width, permutation } = flow;
  if (!inputFits(flow, step)) throw inputFault(flow, step, width!);
  return width === null || step.in === width ? permutation : flattened(flow, step.in / width, step);
}

/** Why a module does not take what `flow` gives. */
function inputFault(flow: Flow, step: Module, width: number): SpecError {
  if (step.kind === "embedding")
    return new SpecError(`${step.name} is an embedding after ${flow.from}, expected it first`);
  if (step.kind === "conv" && !flow.spatial) return new SpecError(`${step.name} is a convolution after ${flow.from}`);
  if (step.kind === "conv" && step.out === width && step.in !== width)
    return new SpecError(`${step.name} takes ${width} inputs only as a transposed convolution, expected ordinary ones`);
  const multiple = step.kind === "dense" && flow.spatial ? "a multiple of " : "";
  return new SpecError(`${step.name} takes ${step.in} inputs, expected ${multiple}${width} as ${flow.from} gives`);
}

/** A grouped convolution's second axis counts channels inside a group. */
function groupedInput({ permutation }: Flow, step: Module): string | null {
  if (permutation === null || step.in === 1) return null;
  return permutation.slice(permutation.indexOf("*") + 1);
}

/** What a grouped convolution gives: units move inside a group, and groups as their inputs do. */
function groupedOutput(flow: Flow, step: Module, groups: number, name: string, listing: Listing): string | null {
  const { permutation, width } = flow;
  const inner = step.out / groups;
  if (permutation === null) return inner === 1 ? null : `${groups}*${name}`;
  const outer = groups === width ? permutation : permutation.slice(0, permutation.indexOf("*"));
  if (inner === 1) return outer;
  if (outer.includes("*")) throw groupFault(step);
  listing.nested(name, outer, inner);
  return name;
}

const groupFault = ({ name }: Module): SpecError => new SpecError(`${name} is a grouped convolution`);

/** PyTorch flattens channel-major, Flax and Keras channel-minor; the rows of an embedding stay rows. */
function flattened({ permutation, rows }: Flow, positions: number, next: Module): string | null {
  if (permutation === null || positions === 1) return permutation;
  if (next.flatten === undefined)
    throw new SpecError(`${next.name} reads a flatten whose order the file's graph does not show`);
  return next.flatten === "channel-major" && !rows ? `${permutation}*${positions}` : `${positions}*${permutation}`;
}

function listNorm(chain: Chain, at: number, flow: Flow, tensors: Tensors, listing: Listing): void {
  const norm = chain.steps[at]!;
  let after = at + 1;
  while (chain.steps[after]?.kind === "norm") after++;
  const channels = normAxis(flow, norm, chain.steps[after]);
  const groups = chain.groupsOf?.(norm) ?? 1;
  if (channels !== null && groups > 1 && groups < norm.out) nestGroups(channels, norm, groups, listing);
  listModule(listing, norm, tensors, channels, null);
}

function nestGroups(channels: string, norm: Module, groups: number, listing: Listing): void {
  if (norm.out % groups !== 0)
    throw new SpecError(`${norm.name} has ${norm.out} channels, expected a multiple of --norm-groups ${groups}`);
  if (channels.includes("*"))
    throw new SpecError(`${norm.name} has ${groups} groups over "${channels}", expected plain channels`);
  listing.nested(channels, `${channels}.norm`, norm.out / groups);
}

function normAxis(flow: Flow, norm: Module, next: Module | undefined): string | null {
  if (flow.width === null) {
    if (next === undefined || norm.out === next.in || norm.out === 1) return null;
    throw new SpecError(`${norm.name} has ${norm.out} channels, expected ${next.in} as ${next.name} takes`);
  }
  if (norm.out === flow.width) return flow.permutation;
  if (norm.out === 1) return null; // one slope or scale for all channels
  const takesFlat = next?.kind === "dense" && next.in === norm.out && flow.spatial && norm.out % flow.width === 0;
  if (takesFlat) return flattened(flow, norm.out / flow.width, next);
  throw new SpecError(`${norm.name} has ${norm.out} channels, expected ${flow.width} as ${flow.from} gives`);
}

/** True where a norm fits between `before` and `after`; undefined is the network's input or output. */
export function normFits(norm: Module, before: Module | undefined, after: Module | undefined): boolean {
  if (norm.out === 1) return true;
  if (before === undefined) return after === undefined || norm.out === after.in;
  const flat =
    after?.kind === "dense" && after.in === norm.out && before.kind === "conv" && norm.out % before.out === 0;
  return norm.out === before.out || flat;
}
