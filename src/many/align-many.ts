/** Many models, aligned to each other: the three strategies behind one call. */

import { type SpecNotes, specNotes } from "../axes/spec-name.ts";
import type { Spec } from "../axes/types.ts";
import type { ClosingModel } from "../base/closing-model.ts";
import type { Model } from "../base/model.ts";
import {
  type Computing,
  checkInteger,
  checkOptions,
  checkThreads,
  type OptionKinds,
  RUNNING,
  type Running,
} from "../base/options.ts";
import { createYielder, startClock } from "../base/progress.ts";
import { createRng } from "../base/rng.ts";
import type { Method } from "../match/match-weights.ts";
import type { Alignment, Orders } from "../perm/alignment.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import { countMoved } from "../perm/permutation.ts";
import { alignToMeans } from "./align-to-means.ts";
import { alignToUniverse } from "./cycle-consistent.ts";
import { gatherModels } from "./many-models.ts";
import type { ManyRun } from "./match-step.ts";
import { byName, identityOrders, numberedAs } from "./numbering.ts";
import { createRunningSum } from "./running-sum.ts";
import { alignByTree, type TreeStage } from "./tree.ts";

/**
 * `"merge-many"`: Algorithm 3 of Git Re-Basin, each model in turn to the mean of the others. `"cycle-consistent"`: all
 * jointly to a common universe: C²M³, Crisostomi et al. 2024. `"tree"`: in pairs, by stages: Hierarchical Re-Basin,
 * Franke et al. 2025.
 */
export type ManyStrategy = "merge-many" | "cycle-consistent" | "tree";

/** Progress is of stage "many": matchings done. */
export interface AlignManyOptions extends Running, Pick<Computing, "threads" | "simd"> {
  /** Default "cycle-consistent". */
  readonly strategy?: ManyStrategy | undefined;
  /**
   * How two are matched: for "tree" every pair, default "frank-wolfe"; for "merge-many" the first round, default
   * "coordinate", the paper's. "cycle-consistent" has its own, and refuses this.
   */
  readonly method?: Method | undefined;
  /** Seeds the order of models and the visiting order of descents. Default 0. */
  readonly seed?: number | undefined;
  /** "merge-many" and the descent of "cycle-consistent": rounds over all models at most. Default 100. */
  readonly maxRounds?: number | undefined;
  /** Number of the model whose units the merged model is numbered as: it stays as it is. Default 0. */
  readonly reference?: number | undefined;
}

/**
 * What an alignment of several models did. Norms and products are over voting tensors, in f64. Only `seconds`
 * differs from run to run.
 */
export interface ManyReport extends SpecNotes {
  readonly strategy: ManyStrategy;
  /** How two were matched; "frank-wolfe" for "cycle-consistent". */
  readonly method: Method;
  readonly seed: number;
  /** How many models were aligned. */
  readonly models: number;
  readonly reference: number;
  /** Rounds over all models (those of the descent for "cycle-consistent"); stages of a tree. */
  readonly rounds: number;
  /** Joint steps of Frank–Wolfe; 0 for other strategies. */
  readonly iterations: number;
  /** False when `maxRounds` ended it. */
  readonly converged: boolean;
  /** Σ_i<j ⟨π_i(θ_i), π_j(θ_j)⟩. */
  readonly objective: number;
  /** The same before matching. */
  readonly identityObjective: number;
  /** ‖π_i(θ_i) − mean‖ of each model. */
  readonly distances: readonly number[];
  /** The same before matching. */
  readonly identityDistances: readonly number[];
  /** Of a tree; else empty. */
  readonly stages: readonly TreeStage[];
  /** How many units of each model moved, by permutation. */
  readonly moved: readonly Readonly<Record<string, number>>[];
  readonly seconds: number;
}

/** Several models, aligned to each other. */
export interface AlignedMany {
  /**
   * The models in the numbering of the reference, lazy: each `read` moves one tensor. Closing one closes the model
   * given.
   */
  readonly models: readonly ClosingModel[];
  /** Bound to the models: what is saved and hashed. */
  readonly spec: Spec;
  /** What moves each model to the common numbering. */
  readonly alignments: readonly Alignment[];
  /** Those of `alignments`: `p[i] = j`: slot i is unit j of the model. */
  readonly permutations: readonly Map<string, Int32Array>[];
  readonly report: ManyReport;
}

const STRATEGIES: readonly ManyStrategy[] = ["merge-many", "cycle-consistent", "tree"];

/** The kinds of its options. */
export const ALIGN_MANY_OPTIONS: OptionKinds<AlignManyOptions> = {
  strategy: "string",
  method: "string",
  seed: "number",
  maxRounds: "number",
  reference: "number",
  threads: "any",
  simd: "boolean",
  ...RUNNING,
};

/**
 * Aligns two or more models to each other. `blendModels` makes one of them. Same models, spec and options, same bytes,
 * in every runtime and with any number of threads. Permutations to a common numbering are cycle consistent by
 * construction: going from A to B and on to C is going from A to C.
 *
 * Models are read tensor by tensor, many times over. The memory at once, in bytes an element of the voting tensors, is
 * 8 for the sum of all models, 8 for the two being matched, and that of `matchWeights`. "tree" keeps no sum while it
 * matches. "cycle-consistent" takes 12 for every model and 4 more while it steps jointly, and two sums after that.
 *
 * Only "cycle-consistent" depends on `reference` beyond the numbering: all are matched to that model first.
 *
 * @throws {RangeError} for fewer than two models, options out of range, and NaN or infinity.
 * @throws {SpecError} when models differ in names, shapes or dtypes, or the spec does not fit.
 *
 * @example
 * const aligned = await alignMany([a, b, c], await detectSpec(a));
 * const model = await blendModels(aligned.models, { blend: "karcher" });
 */
export async function alignMany(
  models: readonly Model[],
  spec: Spec,
  options: AlignManyOptions = {},
): Promise<AlignedMany> {
  const settings = checkAlignOptions(options, models.length);
  const seconds = startClock();
  const { strategy, method, reference, seed, threads, maxRounds } = settings;
  const { signal, onProgress, simd } = options;
  const build = { simd };
  const given: ManyRun = {
    ...{ many: gatherModels(models, spec, signal, build), seed, method, threads, maxRounds, signal, onProgress, build },
    pause: createYielder(signal),
  };
  const { run, scale, before } = await inRange(given, models);
  const { many } = run;
  const found = await align(run, strategy, reference);
  const orders = numberedAs(found.orders, reference);
  const after = await measure(run, orders);
  const permutations = orders.map((own) => byName(many.resolved, own));
  const report: ManyReport = {
    ...{ strategy, method, ...specNotes(many.resolved.spec), seed, models: models.length, reference },
    ...{ rounds: found.rounds, iterations: found.iterations, converged: found.converged },
    ...{ objective: after.objective / scale / scale, identityObjective: before.objective / scale / scale },
    distances: after.distances.map((distance) => distance / scale),
    identityDistances: before.distances.map((distance) => distance / scale),
    stages: found.stages.map(({ pairs, norms }) => ({ pairs, norms: norms.map((norm) => norm / scale) })),
    moved: permutations.map((own) => Object.fromEntries([...own].map(([name, p]) => [name, countMoved(p)]))),
    seconds: seconds(),
  };
  const aligned: ClosingModel[] = [];
  for (const [i, model] of models.entries()) aligned.push(await applyPermutations(model, spec, permutations[i]!));
  const alignments = permutations.map((own) => ({ permutations: own }));
  return { models: aligned, spec: many.resolved.spec, alignments, permutations, report };
}

/**
 * The run, how the models are to each other before it, and what their values were multiplied by: 1 unless products of
 * them leave f32's range.
 */
async function inRange(
  run: ManyRun,
  models: readonly Model[],
): Promise<{ run: ManyRun; scale: number; before: Measures }> {
  const { many, signal, build } = run;
  const identity = models.map(() => identityOrders(many.resolved));
  const wide = many.voting.some(({ name }) => models[0]!.tensors.get(name)!.dtype === "F64");
  const before = wide ? null : await measure(run, identity);
  if (before !== null && before.squares >= 2 ** -30 && before.squares <= 2 ** 80) return { run, scale: 1, before };
  const { scaleModels } = await import("./scale-models.ts");
  const names = many.voting.map(({ name }) => name);
  const { models: scaled, scale } = await scaleModels(models, names, many.kernels, signal);
  const own = scale === 1 ? run : { ...run, many: gatherModels(scaled, many.spec, signal, build) };
  return { run: own, scale, before: await measure(own, identity) };
}

interface AlignedOrders {
  readonly orders: readonly Orders[];
  readonly rounds: number;
  readonly iterations: number;
  readonly converged: boolean;
  readonly stages: readonly TreeStage[];
}

async function align(run: ManyRun, strategy: ManyStrategy, reference: number): Promise<AlignedOrders> {
  if (strategy === "tree") {
    const { orders, stages } = await alignByTree(run);
    return { orders, rounds: stages.length, iterations: 0, converged: true, stages };
  }
  if (strategy === "cycle-consistent") return { ...(await alignToUniverse(run, reference)), stages: [] };
  const { many, pause } = run;
  const sum = await createRunningSum(
    many,
    many.models.map(() => identityOrders(many.resolved)),
    pause,
  );
  const { rounds, converged } = await alignToMeans(run, sum, createRng(run.seed));
  return { orders: sum.orders, rounds, iterations: 0, converged, stages: [] };
}

interface Measures {
  readonly objective: number;
  readonly distances: readonly number[];
  readonly squares: number;
}

async function measure(run: ManyRun, orders: readonly Orders[]): Promise<Measures> {
  const sum = await createRunningSum(run.many, orders, run.pause);
  const distances: number[] = [];
  for (let i = 0; i < orders.length; i++) distances.push(await sum.distance(i));
  return { objective: sum.objective(), distances, squares: sum.squares };
}

type Settings = {
  [K in "strategy" | "method" | "seed" | "threads" | "maxRounds" | "reference"]: NonNullable<AlignManyOptions[K]>;
};

function checkAlignOptions(options: AlignManyOptions, models: number): Settings {
  checkOptions("alignMany", options, ALIGN_MANY_OPTIONS);
  const { strategy = "cycle-consistent", seed = 0, threads = 1, maxRounds = 100, reference = 0 } = options;
  if (!STRATEGIES.includes(strategy))
    throw new RangeError(`strategy "${strategy}", expected one of ${STRATEGIES.join(", ")}`);
  const { method = strategy === "merge-many" ? "coordinate" : "frank-wolfe" } = options;
  if (method !== "frank-wolfe" && method !== "coordinate")
    throw new RangeError(`method "${method}", expected "frank-wolfe" or "coordinate"`);
  if (strategy === "cycle-consistent" && options.method !== undefined)
    throw new RangeError(`method "${method}" with strategy "cycle-consistent", expected no method`);
  checkInteger("maxRounds", maxRounds, 1);
  if (!(Number.isSafeInteger(reference) && reference >= 0 && reference < Math.max(models, 1)))
    throw new RangeError(`reference ${reference}, expected the number of a model, 0 to ${models - 1}`);
  checkThreads(threads);
  createRng(seed); // refuses what is no seed
  return { strategy, method, seed, threads, maxRounds, reference };
}
