/** Options of a matching by weights, and their checks. */

import {
  COMPUTING,
  type Computing,
  checkInteger,
  checkNumber,
  checkOptions,
  checkThreads,
  type OptionKinds,
  RUNNING,
  type Running,
} from "../base/options.ts";
import { checkSeed } from "../base/rng.ts";
import type { Alignment, Permutations } from "../perm/alignment.ts";
import { CHOICE, type Choice } from "./costs/choose-permutations.ts";
import type { LinearTerm } from "./costs/linear-term.ts";
import type { MatchCheckpoint } from "./resume/checkpoint.ts";

/** `"frank-wolfe"`: jointly, from the barycentre, then descent. `"coordinate"`: the paper's Algorithm 1. */
export type Method = "frank-wolfe" | "coordinate";

/**
 * `only` and `except` name permutations (or `prefix*`, or roles such as `ffn`): those left out stay as they are, in
 * place or at the `start` of "coordinate".
 */
export interface MatchOptions extends Choice, Running, Computing {
  /**
   * Default "frank-wolfe", which needs no seed and no restarts, and where one assignment per permutation is the optimum
   * (networks with one hidden layer) takes no steps.
   */
  readonly method?: Method | undefined;
  /** Seeds the visiting order of descent (and random restarts, and `perturb`). Default 0. */
  readonly seed?: number | undefined;
  /** Where "coordinate" starts; permutations not named start as identities. */
  readonly start?: Alignment | Permutations | undefined;
  /** "coordinate": further descents from random permutations; the best objective is kept. Default 0. */
  readonly restarts?: number | undefined;
  /**
   * "frank-wolfe": starts this share of the way from the barycentre to random permutations of `seed`, from 0 to 1.
   * Other seeds then end elsewhere, all at good objectives, among which data can choose. Default 0.
   */
  readonly perturb?: number | undefined;
  /** A linear term of the objective, such as the activations' part. */
  readonly linear?: LinearTerm | undefined;
  /**
   * Bytes that matrices, tensors and work areas may take together; the result is the same with any number. Matrices
   * that do not fit wait in a temporary file, tensors are read again whenever they are needed. A page has such files
   * in its workers only. Default: half of what the machine has, or its container may use. In a page: an eighth of
   * `navigator.deviceMemory`, at most 750 MB, or the least that the matching needs.
   */
  readonly memory?: number | undefined;
  /** Sweeps of one descent at most. Default 100, as in the paper's code. */
  readonly maxSweeps?: number | undefined;
  /** Keeps how far the matching is: a later one resumes there, and finds the same. It reads both models once more. */
  readonly checkpoint?: MatchCheckpoint | undefined;
}

/** The kinds of the options of `matchWeights`. */
export const MATCH_OPTIONS: OptionKinds<MatchOptions> = {
  method: "string",
  seed: "number",
  start: "object",
  restarts: "number",
  perturb: "number",
  linear: "object",
  maxSweeps: "number",
  memory: "number",
  checkpoint: "object",
  ...CHOICE,
  ...RUNNING,
  ...COMPUTING,
};

/** The options that change what is computed, with their defaults in place. */
export type MatchSettings = {
  [K in "method" | "seed" | "threads" | "restarts" | "perturb" | "maxSweeps" | "allowNonfinite"]: NonNullable<
    MatchOptions[K]
  >;
};

/** The settings of `options`. Throws as `matchWeights` does. */
export function checkMatchOptions(options: MatchOptions): MatchSettings {
  checkOptions("matchWeights", options, MATCH_OPTIONS);
  const {
    method = "frank-wolfe",
    seed = 0,
    threads = 1,
    restarts = 0,
    perturb = 0,
    maxSweeps = 100,
    allowNonfinite = false,
  } = options;
  checkSeed(seed);
  checkInteger("restarts", restarts, 0);
  checkInteger("maxSweeps", maxSweeps, 1);
  if (options.memory !== undefined) checkInteger("memory", options.memory, 1);
  checkNumber("perturb", perturb, 0, 1);
  const startsElsewhere = options.start !== undefined || restarts > 0;
  if (method === "frank-wolfe" ? startsElsewhere : method !== "coordinate" || perturb > 0)
    throw methodFault(method, perturb);
  const share = options.linear === undefined ? 0 : options.linear.share;
  if (!(share >= 0 && share < Number.POSITIVE_INFINITY))
    throw new RangeError(`linear share ${share}, expected a number from 0`);
  if (options.relaxed === true && options.simd === false)
    throw new RangeError("relaxed: true with simd: false, expected one of them");
  checkThreads(threads);
  return { method, seed, threads, restarts, perturb, maxSweeps, allowNonfinite };
}

/** What a method is given that it does not take. */
function methodFault(method: Method, perturb: number): RangeError {
  if (method === "frank-wolfe")
    return new RangeError(
      'method "frank-wolfe" starts at the barycentre, expected no start and no restarts (use "coordinate")',
    );
  if (method === "coordinate")
    return new RangeError(`perturb ${perturb}, expected 0 with method "coordinate" (use start or restarts)`);
  return new RangeError(`method "${method}", expected "frank-wolfe" or "coordinate"`);
}
