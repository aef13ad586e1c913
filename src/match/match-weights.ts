/** Weight matching: two models and a spec → the permutations that line B's units up with A's. */

import type { Kernels } from "../kernels/kernels.ts";
import { checkOptions, checkThreads } from "../options.ts";
import { bindPermutations } from "../perm/bind.ts";
import { countMoved, identityPermutation } from "../perm/permutation.ts";
import { resolveFor } from "../perm/resolve-for.ts";
import { requireSameTensors } from "../perm/same-tensors.ts";
import { createYielder, type OnProgress } from "../progress.ts";
import { createRng } from "../rng.ts";
import type { Spec } from "../spec/types.ts";
import type { Model } from "../tensor.ts";
import { areasEnd } from "./areas.ts";
import { checkFinite } from "./check-finite.ts";
import { chooseKernels } from "./choose-kernels.ts";
import { matchByDescent, matchJointly } from "./methods.ts";
import { objectiveByTensor } from "./objective.ts";
import { MAX_DEGREE, type Outline, outlineProblem, readProblem } from "./problem.ts";
import { createWorkspace } from "./workspace.ts";

/** `"frank-wolfe"`: jointly, from the barycentre, then descent. `"coordinate"`: the paper's Algorithm 1. */
export type Method = "frank-wolfe" | "coordinate";

export interface MatchOptions {
  /** Default "frank-wolfe", which needs no seed and no restarts. */
  readonly method?: Method;
  /** Seeds the visiting order of descent (and random restarts). Default 0. */
  readonly seed?: number;
  /**
   * Threads that compute, at most 64; the permutations are the same with any number. "auto" is one for each processor, up
   * to 8, and only for models large enough to gain by it. Workers start during the matching and end with it. In a page
   * that is not cross-origin isolated, and wherever else there is no shared memory or are no workers, one thread computes.
   * Default 1.
   */
  readonly threads?: number | "auto";
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Where "coordinate" starts; permutations not named start as identities. */
  readonly start?: ReadonlyMap<string, Int32Array>;
  /** "coordinate": further descents from random permutations; the best objective is kept. Default 0. */
  readonly restarts?: number;
  /** Sweeps of one descent at most. Default 100, as in the paper's code. */
  readonly maxSweeps?: number;
  /** Match although a tensor has NaN or infinities; they count as 0. Default false: such a model is refused. */
  readonly allowNonfinite?: boolean;
  /** `false` forces the scalar build of the kernels. Same bits, slower. */
  readonly simd?: boolean;
}

/** What a matching did. `seconds` is the only figure that differs from run to run. */
export interface MatchReport {
  readonly method: Method;
  /** The family's name, or "custom". */
  readonly spec: string;
  /** Σ ⟨A, π(B)⟩ over voting tensors, in f64. */
  readonly objective: number;
  /** The same before matching. */
  readonly identityObjective: number;
  /** Sweeps of the descent that was kept. */
  readonly sweeps: number;
  /** Steps of Frank–Wolfe; 0 for "coordinate". */
  readonly iterations: number;
  readonly seconds: number;
  readonly permutations: Readonly<Record<string, { readonly size: number; readonly moved: number }>>;
  /** Tensors with three or more permuted dimensions together: Frank–Wolfe holds them, descent does not. */
  readonly held: readonly string[];
}

export interface Matching {
  /** By name; `p[i] = j`: slot i of the aligned B is unit j of B. */
  readonly permutations: Map<string, Int32Array>;
  readonly report: MatchReport;
}

const OPTIONS = [
  "method",
  "seed",
  "threads",
  "signal",
  "onProgress",
  "start",
  "restarts",
  "maxSweeps",
  "allowNonfinite",
  "simd",
] as const satisfies readonly (keyof MatchOptions)[];

/**
 * Finds the permutations of B's units that maximise Σ ⟨A, π(B)⟩ (paper, Section 3.2). Deterministic: same models,
 * spec and options, same permutations, in every runtime. Reads every voting tensor of both models once.
 *
 * Throws `SpecError` when the models differ in names, shapes or dtypes or the spec does not fit, `RangeError` for
 * options out of range, for NaN or infinity in a tensor (unless `allowNonfinite`) and when the wasm memory the costs
 * need cannot be had, and the signal's reason when aborted.
 *
 * @example
 * const { permutations, report } = await matchWeights(a, b, detectSpec(a));
 * report.objective >= report.identityObjective; // true
 */
export async function matchWeights(a: Model, b: Model, spec: Spec, options: MatchOptions = {}): Promise<Matching> {
  const settings = checkMatchOptions(options);
  const started = performance.now();
  requireSameTensors(a, b);
  const resolved = resolveFor(a, spec);
  const first = options.start && bindPermutations(resolved, options.start);
  const problem = await readProblem(a, b, resolved, options);
  const kernels = createKernels(options.simd === undefined ? {} : { simd: options.simd });
  const workspace = createWorkspace(kernels, problem, settings.allowNonfinite);
  if (!settings.allowNonfinite) checkFinite(workspace, a.name, b.name);
  const pause = createYielder(options.signal);
  const identity = problem.permutations.map(({ size }) => identityPermutation(size));
  const { total: identityObjective } = await objectiveByTensor(workspace, (p) => identity[p]!, pause);
  const run = {
    workspace,
    pause,
    onProgress: options.onProgress,
    rng: createRng(settings.seed),
    maxSweeps: settings.maxSweeps,
  };
  const found =
    settings.method === "frank-wolfe"
      ? await matchJointly(run, identity, identityObjective)
      : await matchByDescent(run, first ?? identity, settings.restarts);
  const permutations = new Map(problem.permutations.map(({ name }, p) => [name, found.orders[p]!]));
  const report: MatchReport = {
    method: settings.method,
    spec: spec.family ?? "custom",
    objective: found.objective,
    identityObjective,
    sweeps: found.sweeps,
    iterations: found.iterations,
    seconds: (performance.now() - started) / 1000,
    permutations: Object.fromEntries(
      [...permutations].map(([name, p]) => [name, { size: p.length, moved: countMoved(p) }]),
    ),
    held: problem.tensors
      .filter(({ cells }) => cells.some(({ degree }) => degree > MAX_DEGREE))
      .map(({ name }) => name),
  };
  return { permutations, report };
}

function checkMatchOptions(options: MatchOptions) {
  checkOptions("matchWeights", options, OPTIONS);
  const {
    method = "frank-wolfe",
    seed = 0,
    threads = 1,
    restarts = 0,
    maxSweeps = 100,
    allowNonfinite = false,
  } = options;
  if (method !== "frank-wolfe" && method !== "coordinate") {
    throw new RangeError(`method "${method}", expected "frank-wolfe" or "coordinate"`);
  }
  if (!Number.isSafeInteger(restarts) || restarts < 0)
    throw new RangeError(`restarts ${restarts}, expected an integer from 0`);
  if (!Number.isSafeInteger(maxSweeps) || maxSweeps < 1)
    throw new RangeError(`maxSweeps ${maxSweeps}, expected an integer from 1`);
  if (method === "frank-wolfe" && (options.start !== undefined || restarts > 0)) {
    throw new RangeError(
      'method "frank-wolfe" starts at the barycentre, expected no start and no restarts (use "coordinate")',
    );
  }
  checkThreads(threads);
  return { method, seed, restarts, maxSweeps, allowNonfinite };
}
