/** What a matching needs, before it is done: bytes to read, matrices, memory, and a time from a short measurement. */

import type { Spec } from "../axes/types.ts";
import type { Model } from "../base/model.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { halfOfMemory } from "../kernels/scratch-file.ts";
import { type Pair, pairOf } from "../perm/pair.ts";
import { leastMemory, type MemoryPlan, OTHER_BYTES, planMemory } from "./bounded/plan-memory.ts";
import { chooseKernels } from "./choose-kernels.ts";
import { areasEnd, isKept, matrixBytes, type Needs } from "./costs/areas.ts";
import { bytesOf, isLinear, type Outline } from "./costs/problem.ts";
import { checkMatchOptions, type MatchOptions } from "./match-options.ts";
import { ASSIGNMENT_POWER, type MatchRates, measureRates } from "./measure-rates.ts";
import { outlineMatching } from "./outline-matching.ts";
import { multiplications } from "./watch-work.ts";

/** Bytes, unless stated otherwise. */
export interface MatchNeeds {
  /** The voting tensors of both models. */
  readonly readBytes: number;
  /** Cost matrices; `isKept`: all from visit to visit, else one after the other in the same place. */
  readonly matrices: { readonly count: number; readonly bytes: number; readonly isKept: boolean };
  readonly memory: MemoryNeeds;
  /** Multiply-adds of all matrices once. */
  readonly multiplications: number;
  /** Measured here, now. */
  readonly rates: MatchRates;
  readonly seconds: {
    /** One sweep or step in which everything moves; later ones are shorter. */
    readonly step: number;
    /** The whole matching, from a short one to a long one. */
    readonly least: number;
    readonly most: number;
  };
}

/** Memory of a matching. */
export interface MemoryNeeds {
  /** With matrices and tensors in memory. */
  readonly unbounded: number;
  /** The least limit that is accepted. */
  readonly least: number;
  /** The limit in force; undefined where the host does not report what it has. */
  readonly limit: number | undefined;
  /** What it takes within the limit; undefined where that is below the least. */
  readonly taken: number | undefined;
  /** Matrices that wait in a temporary file, and bytes of it. */
  readonly waiting: { readonly count: number; readonly bytes: number };
  /** Of `readBytes`, what is not held, and read again whenever it is needed. */
  readonly readAgain: number;
}

/**
 * The work of whole matchings, in sweeps in which everything moves: the least and the most of the pairs in the README
 * and of a transformer with planted permutations. Matrices that are not kept are computed again in each sweep.
 */
const VISITS = { once: [1, 1.5], kept: [1.3, 7], shared: [2, 15] } as const;

/**
 * What `matchWeights` would need with the same options. Reads at most 32 MB, and computes for half a second.
 *
 * @throws {SpecError} when the models differ in names, shapes or dtypes, or the spec does not fit.
 * @throws {RangeError} for options out of range.
 *
 * @example
 * const { memory, seconds } = await matchNeeds(a, b, await detectSpec(a));
 */
export async function matchNeeds(
  a: Model,
  b: Model,
  spec: Spec | Pair,
  options: MatchOptions = {},
): Promise<MatchNeeds> {
  const { method, threads } = checkMatchOptions(options);
  const { resolved } = pairOf(a, b, spec);
  const solving = { jointly: method === "frank-wolfe", starts: options.start !== undefined };
  const { outline } = await outlineMatching(resolved, options, solving);
  const needs: Needs = { jointly: solving.jointly && !isLinear(outline) };
  const { kernels, end } = await chooseKernels(outline, threads, options);
  try {
    const memory = await memoryNeeds(kernels, outline, needs, options.memory);
    const rates = await measureRates(kernels, a, outline, options.signal);
    const step = secondsOnce(outline, memory, rates);
    const readBytes = bytesOfAll(outline);
    const read = readBytes / rates.readBytes;
    const [least, most] = VISITS[isLinear(outline) ? "once" : isKept(outline) ? "kept" : "shared"];
    return {
      ...{ readBytes, memory, rates, matrices: matricesOf(outline, needs), multiplications: multiplications(outline) },
      seconds: { step, least: read + least * step, most: read + most * step },
    };
  } finally {
    end();
  }
}

const bytesOfAll = ({ tensors }: Outline): number => tensors.reduce((sum, tensor) => sum + 2 * bytesOf(tensor), 0);

function matricesOf(outline: Outline, { jointly }: Needs): MatchNeeds["matrices"] {
  const sizes = matrixBytes(outline);
  const all = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const kept = isKept(outline);
  const bytes = (kept ? all : sharedBytes(outline, sizes)) + (jointly ? all : 0);
  return { count: sizes.filter((size) => size > 0).length * (jointly ? 2 : 1), bytes, isKept: kept };
}

/** One place for each member of a group, as large as the largest. */
function sharedBytes({ groups }: Outline, sizes: readonly number[]): number {
  const places: number[] = [];
  for (const { root, nested } of groups)
    for (const [at, p] of [root, ...nested].entries()) places[at] = Math.max(places[at] ?? 0, sizes[p]!);
  return places.reduce((sum, bytes) => sum + bytes, 0);
}

async function memoryNeeds(
  kernels: Kernels,
  outline: Outline,
  needs: Needs,
  given: number | undefined,
): Promise<MemoryNeeds> {
  const unbounded = areasEnd(kernels, outline, needs) + bytesOfAll(outline) + OTHER_BYTES;
  const limit = given ?? halfOfMemory();
  const least = leastMemory(kernels, outline, needs);
  const plan = await planOrNothing(kernels, outline, needs, limit ?? Number.POSITIVE_INFINITY);
  if (plan === undefined) return { ...{ unbounded, least, limit, taken: undefined, readAgain: 0 }, waiting: NONE };
  if (plan === null) return { ...{ unbounded, least, limit, taken: unbounded, readAgain: 0 }, waiting: NONE };
  const held = outline.tensors.reduce((sum, tensor, t) => (plan.held[t] ? sum + 2 * bytesOf(tensor) : sum), 0);
  const sets = needs.jointly ? [plan.waiting.kept, plan.waiting.running] : [plan.waiting.kept];
  const waiting = sets.flatMap((waits) => matrixBytes(outline).filter((bytes, p) => bytes > 0 && waits[p]));
  return {
    ...{ unbounded, least, limit, taken: plan.end + held + OTHER_BYTES, readAgain: bytesOfAll(outline) - held },
    waiting: { count: waiting.length, bytes: waiting.reduce((sum, bytes) => sum + bytes, 0) },
  };
}

const NONE = { count: 0, bytes: 0 } as const;

/** Undefined where the limit is too low. */
async function planOrNothing(
  kernels: Kernels,
  outline: Outline,
  needs: Needs,
  bytes: number,
): Promise<MemoryPlan | null | undefined> {
  try {
    return await planMemory(kernels, outline, needs, { bytes, isFirm: true }, async () => true);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** All matrices computed and solved once. */
function secondsOnce(outline: Outline, { readAgain }: MemoryNeeds, rates: MatchRates): number {
  const { permutations, occurrences, tensors } = outline;
  let staged = 0;
  for (const all of occurrences)
    for (const t of new Set(all.map(({ tensor }) => tensor))) staged += 2 * bytesOf(tensors[t]!);
  const share = staged / Math.max(1, bytesOfAll(outline));
  const solved = permutations.reduce((sum, { size, outer, inner }) => {
    // Inside blocks: one assignment for each pair of them.
    const [n, times] = outer < 0 ? [size, 1] : [inner, (size / inner) ** 2];
    return sum + times * n ** ASSIGNMENT_POWER;
  }, 0);
  return (
    multiplications(outline) / rates.multiplications +
    staged / rates.widenBytes +
    (share * readAgain) / rates.readBytes +
    solved / rates.assignment
  );
}
