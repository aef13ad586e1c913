/** Weight matching: two models and a spec → the permutations that line B's units up with A's. */

import { createKernels, type Kernels } from "../kernels/kernels.ts";
import { checkOptions, checkThreads } from "../options.ts";
import { bindPermutations } from "../perm/bind.ts";
import { countMoved, identityPermutation } from "../perm/permutation.ts";
import { requireSameTensors } from "../perm/same-tensors.ts";
import { createYielder, type OnProgress } from "../progress.ts";
import { createRng, type Rng, randomPermutation } from "../rng.ts";
import { resolveSpec } from "../spec/resolve.ts";
import type { Spec } from "../spec/types.ts";
import type { Model } from "../tensor.ts";
import { checkFinite } from "./check-finite.ts";
import { type CostMatrices, coordinateDescent } from "./coordinate.ts";
import { frankWolfe } from "./frank-wolfe.ts";
import { objectiveByTensor } from "./objective.ts";
import { MAX_DEGREE, type Problem, readProblem } from "./problem.ts";
import { createWorkspace, type Workspace } from "./workspace.ts";

/** `"frank-wolfe"`: jointly, from the barycentre, then descent. `"coordinate"`: the paper's Algorithm 1. */
export type Method = "frank-wolfe" | "coordinate";

export interface MatchOptions {
  /** Default "frank-wolfe", which needs no seed and no restarts. */
  readonly method?: Method;
  /** Seeds the visiting order of descent (and random restarts). Default 0. */
  readonly seed?: number;
  /** Never changes a result. This version computes on one thread whatever is asked. */
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
  const resolved = resolveSpec(spec, a.tensors);
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
      ? await matchJointly(run, allocateCosts(kernels, problem, true), identity, identityObjective)
      : await matchByDescent(run, allocateCosts(kernels, problem, false), first ?? identity, settings.restarts);
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

interface Run {
  readonly workspace: Workspace;
  readonly pause: () => Promise<void>;
  readonly onProgress: OnProgress | undefined;
  readonly rng: Rng;
  readonly maxSweeps: number;
}

interface Found {
  readonly orders: readonly Int32Array[];
  readonly objective: number;
  readonly sweeps: number;
  readonly iterations: number;
}

/** Rounds of holding tensors of high degree at what the last round found. */
const HELD_ROUNDS = 5;

async function matchJointly(
  run: Run,
  costs: CostMatrices,
  identity: readonly Int32Array[],
  identityObjective: number,
): Promise<Found> {
  const { workspace, rng } = run;
  const held = workspace.problem.tensors.some(({ cells }) => cells.some(({ degree }) => degree > MAX_DEGREE));
  let best: Found | null = null;
  for (let round = 0; round < (held ? HELD_ROUNDS : 1); round++) {
    const joint = await frankWolfe(workspace, costs.pointers, { ...run, reference: best?.orders });
    const polished = await coordinateDescent(workspace, joint.orders, costs, rng, run);
    if (best !== null && polished.objective <= best.objective) break;
    const iterations: number = best === null ? 0 : best.iterations;
    best = { ...polished, iterations: joint.iterations + iterations };
  }
  if (best!.objective >= identityObjective) return best!;
  // Nothing was gained over leaving B as it is (two copies of one model, say): descend from there instead.
  const { iterations } = best!;
  return { ...(await coordinateDescent(workspace, identity, costs, rng, run)), iterations };
}

async function matchByDescent(
  run: Run,
  costs: CostMatrices,
  first: readonly Int32Array[],
  restarts: number,
): Promise<Found> {
  const { workspace, rng } = run;
  let best = await coordinateDescent(workspace, first, costs, rng, run);
  for (let restart = 0; restart < restarts; restart++) {
    const start = randomStart(workspace.problem, rng);
    const other = await coordinateDescent(workspace, start, costs, rng, run);
    if (other.objective > best.objective) best = other;
  }
  return { ...best, iterations: 0 };
}

/** Random permutations by number, nested ones inside the blocks of their outer one. */
function randomStart(problem: Problem, rng: Rng): Int32Array[] {
  const orders: Int32Array[] = new Array(problem.permutations.length);
  for (const { root, nested } of problem.groups) {
    const outer = randomPermutation(problem.permutations[root]!.size, rng);
    orders[root] = outer;
    for (const p of nested) {
      const { inner } = problem.permutations[p]!;
      const blocks = Array.from(outer, (block) => randomPermutation(inner, rng).map((r) => block * inner + r));
      orders[p] = Int32Array.from(blocks.flatMap((block) => [...block]));
    }
  }
  return orders;
}

/** Matrices that descent keeps from visit to visit may take this much; beyond it, all groups share one. */
const KEPT_BYTES = 2 ** 30;

/** One matrix per permutation; where they would take too much and need not be kept, one for all groups. */
function allocateCosts({ arena }: Kernels, { permutations, groups }: Problem, keep: boolean): CostMatrices {
  const bytes = permutations.map(({ size }) => 4 * size * size);
  if (keep || bytes.reduce((sum, own) => sum + own, 0) <= KEPT_BYTES) {
    return { pointers: bytes.map((own) => arena.allocate(own)), shared: false };
  }
  // A root and what is nested in it are solved together, so each of them needs a matrix of its own.
  const members = groups.map(({ root, nested }) => [root, ...nested]);
  const slots = Math.max(...members.map(({ length }) => length));
  const shared = Array.from({ length: slots }, (_, slot) =>
    arena.allocate(Math.max(...members.map((group) => bytes[group[slot] ?? -1] ?? 0))),
  );
  const pointers: number[] = new Array(permutations.length);
  for (const group of members) {
    group.forEach((p, slot) => {
      pointers[p] = shared[slot]!;
    });
  }
  return { pointers, shared: true };
}
