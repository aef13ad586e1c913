/** Weight matching: two models and a spec → the permutations that line B's units up with A's. */

import { specNotes } from "../axes/spec-name.ts";
import type { Spec, SpecBasis } from "../axes/types.ts";
import type { Model } from "../base/model.ts";
import { createYielder, type OnProgress, startClock } from "../base/progress.ts";
import type { Alignment, Permutations } from "../perm/alignment.ts";
import { bindPermutations } from "../perm/bind-permutations.ts";
import { type Pair, pairOf } from "../perm/pair.ts";
import { countMoved, identityPermutation } from "../perm/permutation.ts";
import { chooseKernels } from "./choose-kernels.ts";
import { checkCosts } from "./costs/check-costs.ts";
import { objectiveParts } from "./costs/linear-term.ts";
import { isLinear, MAX_DEGREE, type Outline } from "./costs/problem.ts";
import { bringIntoRange } from "./costs/range.ts";
import type { InRange } from "./costs/workspace.ts";
import { loadKeeper } from "./load-keeper.ts";
import { checkMatchOptions, type MatchOptions, type MatchSettings, type Method } from "./match-options.ts";
import { outlineMatching } from "./outline-matching.ts";
import { prepare } from "./prepare.ts";
import type { Prepared } from "./prepared.ts";
import { solveLinear } from "./solve/linear-problem.ts";
import { placeLinearTerm } from "./solve/place-linear-term.ts";
import { type Found, matchByDescent, matchJointly } from "./solve/two-methods.ts";

export { MATCH_OPTIONS, type MatchOptions, type Method } from "./match-options.ts";

/**
 * What a matching did. Only `seconds` differs from run to run, and with "auto" `threads` and `memoryBytes` by
 * machine.
 */
export interface MatchReport {
  /** `matchWeights` reports its own; what finds permutations by data, and reports alike, adds names. */
  readonly method: Method | "activations" | "hybrid" | "straight-through";
  /** The spec's name (of its file), else the family's, else "custom". */
  readonly spec: string;
  /** The basis of the spec, and its assumptions. */
  readonly basis: SpecBasis;
  readonly assumptions: readonly string[];
  /** Seeds the visiting order of descent, and what else the method draws. */
  readonly seed: number;
  /** Σ ⟨A, π(B)⟩ over voting tensors, in f64; without the linear term. */
  readonly objective: number;
  /** The same before matching. */
  readonly identityObjective: number;
  /** What the linear term adds to `objective`, and did before matching; only where there is one. */
  readonly linear?: {
    readonly share: number;
    readonly objective: number;
    readonly identityObjective: number;
  };
  /** Sweeps of the descent that was kept. */
  readonly sweeps: number;
  /** Steps of Frank–Wolfe; 0 for "coordinate", and where one assignment per permutation was the optimum. */
  readonly iterations: number;
  readonly seconds: number;
  /** Threads there were for it: what was asked for, or 1 where workers or shared memory cannot be had. */
  readonly threads: number;
  /** Whether relaxed SIMD computed: asked for, and there. Then another engine may find other permutations. */
  readonly relaxed: boolean;
  /**
   * Bytes of wasm memory it took: cost matrices, one tensor of A and of B in f32, and work areas. The bytes of the
   * voting tensors of both models come on top.
   */
  readonly memoryBytes: number;
  readonly permutations: Readonly<Record<string, { readonly size: number; readonly moved: number }>>;
  /** Tensors with three or more permuted dimensions together: Frank–Wolfe holds them, descent does not. */
  readonly held: readonly string[];
}

/** What a matching found. */
export interface Matching {
  /** What moves B. */
  readonly alignment: Alignment;
  /** Those of `alignment`, by name; `p[i] = j`: slot i of the aligned B is unit j of B. */
  readonly permutations: Map<string, Int32Array>;
  readonly report: MatchReport;
}

/**
 * Finds the permutations of B's units that maximise Σ ⟨A, π(B)⟩ (paper, Section 3.2). Deterministic: same models,
 * spec and options, same permutations, in every runtime. Reads every voting tensor of both models once.
 *
 * An aborted signal rejects with its reason.
 *
 * @throws {SpecError} when the models differ in names, shapes or dtypes, or the spec does not fit.
 * @throws {FormatError} when `checkpoint.resume` is no checkpoint, or a damaged one.
 * @throws {RangeError} for options out of range, for a checkpoint of other models or options, and for NaN or infinity
 * in a tensor (unless `allowNonfinite`). Also for weights so far apart that their products do not fit f32, and when
 * there is not enough wasm memory: before it reads anything, with the number of bytes.
 * @throws {Error} when a worker thread dies.
 *
 * @example
 * const { permutations, report } = await matchWeights(a, b, await detectSpec(a));
 * report.objective >= report.identityObjective; // true
 */
export async function matchWeights(
  a: Model,
  b: Model,
  spec: Spec | Pair,
  options: MatchOptions = {},
): Promise<Matching> {
  const settings = checkMatchOptions(options);
  const seconds = startClock();
  const { resolved } = pairOf(a, b, spec);
  const { linear } = options;
  const given = linear === undefined ? null : checkCosts(resolved.permutations, linear.costs);
  const solving = {
    jointly: settings.method === "frank-wolfe",
    terms: given?.map((matrix) => matrix != null),
    starts: options.start !== undefined,
  };
  const { outline, blocks } = await outlineMatching(resolved, options, solving);
  const bound = options.start && bindPermutations(resolved, options.start);
  const start = bound && (outline.nested?.withFibres(outline, bound) ?? bound);
  const matrices = given && outline.permutations.map((_, p) => given[p] ?? null);
  const terms = matrices?.map((matrix) => matrix !== null);
  const { kernels, relaxed, end } = await chooseKernels(outline, settings.threads, options);
  let prepared: Prepared | undefined;
  try {
    const facts = {
      models: { a, b },
      outline,
      seed: settings.seed,
      start,
      linear,
      options: decidingOf(settings, relaxed),
    };
    const keeperOf = options.checkpoint && (await loadKeeper(options.checkpoint, facts, options.signal));
    const needs = { jointly: solving.jointly && !isLinear(outline), linear: terms };
    prepared = await prepare({ a, b }, kernels, outline, needs, settings.allowNonfinite, options);
    const ranged = await bringIntoRange({ ...prepared.workspace, blocks }, [a.name, b.name], settings.allowNonfinite);
    const kept = { ...ranged, workspace: { ...ranged.workspace, keeper: keeperOf?.(ranged.workspace) } };
    const { onProgress = options.onProgress } = prepared;
    const found = await matchProblem(kept, start, matrices, settings, { ...options, onProgress });
    const permutations = new Map(resolved.permutations.map(({ name }, p) => [name, found.orders[p]!]));
    const report: MatchReport = {
      method: settings.method,
      ...specNotes(resolved.spec),
      seed: settings.seed,
      ...found.objectives,
      sweeps: found.sweeps,
      iterations: found.iterations,
      seconds: seconds(),
      threads: kernels.pool.threads,
      relaxed,
      memoryBytes: prepared.memoryBytes,
      permutations: movedOf(permutations),
      held: heldTensors(outline),
    };
    return { alignment: { permutations }, permutations, report };
  } finally {
    await prepared?.end();
    end();
  }
}

/** Those on which the result depends. */
const decidingOf = ({ threads: _, ...settings }: MatchSettings, relaxed: boolean) => ({ ...settings, relaxed });

const movedOf = (permutations: Permutations): MatchReport["permutations"] =>
  Object.fromEntries([...permutations].map(([name, p]) => [name, { size: p.length, moved: countMoved(p) }]));

/** From here on, `pause` is the only place that yields and checks for abort. */
async function matchProblem(
  { workspace: ranged, unit, exact }: InRange,
  start: readonly Int32Array[] | undefined,
  matrices: readonly (Float32Array | null)[] | null,
  { method, seed, restarts, perturb, maxSweeps }: MatchSettings,
  { linear, signal, onProgress }: MatchOptions,
): Promise<Found & { readonly objectives: Objectives }> {
  const pause = createYielder(signal);
  const identity = ranged.problem.permutations.map(({ size }) => identityPermutation(size));
  const workspace = { ...ranged, held: start ?? identity };
  if (matrices !== null) await placeLinearTerm(workspace, matrices, linear!.share, pause);
  const before = await objectiveParts(workspace, identity, pause);
  const identityObjective = before.weights + before.linear;
  const run = { workspace, pause, onProgress: inUnits(onProgress, unit), seed, maxSweeps };
  const found =
    method === "coordinate"
      ? await matchByDescent(run, start ?? identity, start === undefined ? identityObjective : undefined, restarts)
      : isLinear(workspace.problem)
        ? await solveLinear(run, identity, identityObjective)
        : await matchJointly(run, identity, identityObjective, perturb);
  const inOwnUnit = async (orders: readonly Int32Array[], weights: number): Promise<number> =>
    (await exact?.(orders)) ?? unit * weights;
  const after = linear === undefined ? null : await objectiveParts(workspace, found.orders, pause);
  const objectives = {
    objective: await inOwnUnit(found.orders, after === null ? found.objective : after.weights),
    identityObjective: await inOwnUnit(identity, before.weights),
  };
  if (after === null) return { ...found, objectives };
  const term = { share: linear!.share, objective: unit * after.linear, identityObjective: unit * before.linear };
  return { ...found, objectives: { ...objectives, linear: term } };
}

/** Reports objectives of scaled models in the models' own unit. */
function inUnits(onProgress: OnProgress | undefined, unit: number): OnProgress | undefined {
  if (onProgress === undefined || unit === 1) return onProgress;
  return (progress) =>
    onProgress(progress.objective === undefined ? progress : { ...progress, objective: unit * progress.objective });
}

type Objectives = Pick<MatchReport, "objective" | "identityObjective" | "linear">;

function heldTensors({ tensors }: Outline): string[] {
  const held = tensors.filter(({ cells }) => cells.some(({ degree }) => degree > MAX_DEGREE));
  return [...new Set(held.map(({ name }) => name))];
}
