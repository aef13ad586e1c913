/** A chain of modules: walking it once gives every tensor its axes, or says where the shapes do not meet. */

import { SpecError } from "../base/errors.ts";
import { type Listing, listModule, type Module, type Tensors } from "./modules.ts";
import { compareNatural } from "./order.ts";
import { pathNumbers } from "./words.ts";

/** What flows between two modules. */
export interface Flow {
  /** Null where it must not move: the network's input and output. */
  readonly permutation: string | null;
  /** Channels; null for the network's input, whose size the first module says. */
  readonly width: number | null;
  /** Channels at many positions, which a dense matrix takes flattened. */
  readonly spatial: boolean;
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
}

/**
 * Lists every tensor of the chain and returns what comes out. Throws `SpecError` where a module does not take what the one
 * before it gives.
 */
export function walkChain(chain: Chain, tensors: Tensors, listing: Listing): Flow {
  const operations = chain.steps.filter((step) => step.kind !== "norm");
  let flow = chain.entry;
  let k = 0;
  for (const [i, step] of chain.steps.entries()) {
    if (step.kind === "norm") {
      let after = i + 1;
      while (chain.steps[after]?.kind === "norm") after++;
      const next = chain.steps[after];
      const channels = normAxis(flow, step, next);
      listModule(listing, step, tensors, channels, null);
      continue;
    }
    const input = inputAxis(flow, step);
    const permutation = step === operations.at(-1) ? chain.exit : chain.name(step, k++);
    listModule(listing, step, tensors, permutation, input);
    flow = { permutation, width: step.out, spatial: step.kind === "conv", from: step.name };
  }
  return flow;
}

const NO_LISTING: Listing = { tensor: () => undefined };

/** Throws `SpecError` unless the modules chain from `entry`. */
export function checkChain(steps: readonly Module[], entry: Flow, tensors: Tensors): void {
  walkChain({ steps, entry, exit: null, name: (_, k) => `P${k}` }, tensors, NO_LISTING);
}

function inputAxis(flow: Flow, step: Module): string | null {
  const { width, permutation } = flow;
  if (width === null || (step.in === width && !(step.kind === "conv" && !flow.spatial))) return permutation;
  if (step.kind === "dense" && flow.spatial && step.in % width === 0)
    return flattened(permutation, step.in / width, step);
  throw inputFault(flow, step, width);
}

/** Why a module does not take what `flow` gives. */
function inputFault(flow: Flow, step: Module, width: number): SpecError {
  if (step.kind === "conv" && !flow.spatial)
    return new SpecError(`${step.name} is a convolution after ${flow.from}, expected dense tensors from there on`);
  if (step.kind === "conv" && step.in > 0 && step.in < width && width % step.in === 0) {
    return new SpecError(
      `${step.name} takes ${step.in} of ${width} channels and so is a grouped convolution, expected ${width}: grouped convolutions are not supported by detection yet`,
    );
  }
  const multiple = step.kind === "dense" && flow.spatial ? "a multiple of " : "";
  return new SpecError(`${step.name} takes ${step.in} inputs, expected ${multiple}${width} as ${flow.from} gives`);
}

/** PyTorch flattens channel-major, Flax and Keras channel-minor. */
function flattened(permutation: string | null, positions: number, next: Module): string | null {
  if (permutation === null || positions === 1) return permutation;
  return next.layout === "torch" ? `${permutation}*${positions}` : `${positions}*${permutation}`;
}

function normAxis(flow: Flow, norm: Module, next: Module | undefined): string | null {
  if (flow.width === null) {
    if (next === undefined || norm.out === next.in || norm.out === 1) return null;
    throw new SpecError(`${norm.name} has ${norm.out} channels, expected ${next.in} as ${next.name} takes`);
  }
  if (norm.out === flow.width) return flow.permutation;
  if (norm.out === 1) return null; // one slope or scale for all channels
  const takesFlat = next?.kind === "dense" && next.in === norm.out && flow.spatial && norm.out % flow.width === 0;
  if (takesFlat) return flattened(flow.permutation, norm.out / flow.width, next);
  throw new SpecError(`${norm.name} has ${norm.out} channels, expected ${flow.width} as ${flow.from} gives`);
}

/** Norms are looked for among operations one by one. The deepest networks have a thousand of each. */
const MOST_PAIRS = 4_000_000;

/** Norms come after the operation whose number they share, or before it. */
export type Side = "post" | "pre";

/**
 * Where norms may stand among operations that are in order: by position in a numbered container, else by shared
 * numbers in names (`conv1`, `bn1`), else the k-th norm at the k-th operation. Candidates, the most likely first.
 */
export function arrangeNorms(operations: readonly Module[], norms: readonly Module[], side: Side): Module[][] {
  return norms.length === 0 ? [[...operations]] : arrangeSome(operations, norms, side);
}

function arrangeSome(operations: readonly Module[], norms: readonly Module[], side: Side): Module[][] {
  if (norms.length * operations.length > MOST_PAIRS) {
    const counts = `${norms.length} norms and ${operations.length} convolutions or dense tensors`;
    throw new SpecError(`model has ${counts} in one chain, expected at most ${MOST_PAIRS} pairs of them`);
  }
  const sorted = [...norms].sort((a, b) => compareNatural(a.path, b.path));
  const byIndex = sorted.map((norm) => positionByIndex(operations, norm));
  const byName = sorted.map((norm, k) => byIndex[k] ?? positionByName(operations, norm, side));
  return [byName, byCount(byIndex, operations.length, side)].flatMap((positions) => {
    if (positions.includes(null)) return [];
    const before = Array.from({ length: operations.length + 1 }, (): Module[] => []);
    for (const [k, position] of positions.entries()) before[position!]!.push(sorted[k]!);
    return [before.flatMap((here, i) => [...here, ...operations.slice(i, i + 1)])];
  });
}

/** True when a norm's name says at which of `operations` it stands. */
export function standsByName(operations: readonly Module[], norm: Module): boolean {
  return (positionByIndex(operations, norm) ?? positionByName(operations, norm, "post")) !== null;
}

/** Norms without a position take the operations that have no norm yet, in order. */
function byCount(positions: readonly (number | null)[], operations: number, side: Side): (number | null)[] {
  const shift = side === "post" ? 1 : 0;
  const taken = new Set(positions);
  const open = Array.from({ length: operations }, (_, i) => i + shift).filter((position) => !taken.has(position));
  let next = 0;
  return positions.map((position) => position ?? open[next++] ?? null);
}

/** What a module's path says of where it stands. */
interface Place {
  readonly parent: string;
  readonly word: string;
  /** In a numbered container; null elsewhere. */
  readonly index: number | null;
  /** Every number in the path. */
  readonly numbers: string;
}

const places = new WeakMap<Module, Place>();

/** Taken apart once: every norm is held against every operation. */
function placeOf(module: Module): Place {
  const known = places.get(module);
  if (known !== undefined) return known;
  const [parent, word] = splitPath(module.path);
  const index = /^\d+$/.test(word) ? Number(word) : null;
  const place = { parent, word, index, numbers: pathNumbers(module.path).join() };
  places.set(module, place);
  return place;
}

/** In a numbered container (`features.0`, `features.1`) the position is the number. Counts operations before the norm. */
function positionByIndex(operations: readonly Module[], norm: Module): number | null {
  const { parent, index } = placeOf(norm);
  if (index === null) return null;
  let [before, first] = [-1, -1];
  for (const [i, operation] of operations.entries()) {
    const other = placeOf(operation);
    if (other.index === null || other.parent !== parent) continue;
    if (first < 0) first = i;
    if (other.index < index) before = i;
  }
  if (before >= 0) return before + 1;
  return first < 0 ? null : first;
}

function positionByName(operations: readonly Module[], norm: Module, side: Side): number | null {
  let [best, at] = [0, 0];
  for (const [i, operation] of operations.entries()) {
    const score = nameScore(operation, norm, side);
    if (score > best) [best, at] = [score, i];
  }
  if (best < 2) return null;
  return at + (side === "post" ? 1 : 0);
}

function nameScore(operation: Module, norm: Module, side: Side): number {
  const [its, own] = [placeOf(operation), placeOf(norm)];
  let score = 0;
  if (its.word !== "" && its.index === null && (own.word.includes(its.word) || own.parent === operation.path))
    score += 4;
  if (its.numbers === own.numbers) score += 2;
  if (its.parent === own.parent) score += 1;
  if ((side === "post" ? operation.out : operation.in) === norm.out) score += 0.5;
  return score;
}

/** The container and the last word of a path. */
export function splitPath(path: string): [parent: string, word: string] {
  const dot = path.lastIndexOf(".");
  return [path.slice(0, Math.max(dot, 0)), path.slice(dot + 1)];
}
