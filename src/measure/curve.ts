/** Evaluation along the line between two models, as they are, aligned, and repaired (paper, figure 2). */

import { keepModel } from "../base/keep-model.ts";
import type { Model } from "../base/model.ts";
import { checkOptions, type OptionKinds, RUNNING, type Running } from "../base/options.ts";
import type { OnProgress } from "../base/progress.ts";
import type { Dataset } from "../data/dataset.ts";
import { mergeModels } from "../merge/merge-models.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import { type AlignedPair, pairOf } from "../perm/pair.ts";
import { checkMeasured, type Evaluate, type Evaluation, evaluateBy, evaluateRunning } from "../run/evaluate.ts";
import type { ExecutorOptions } from "../run/executor.ts";
import { createRunner, type ModelRunner } from "../run/models/running-model.ts";
import { type Curve, type CurvePoint, lambdas } from "./barrier.ts";

/** λ of every point of a curve in equal steps: 25 as in the paper's code. */
export const CURVE_POINTS = 25;

/** A line between two models: from A to B, from A to π(B), and the latter repaired. */
export type Line = "naive" | "aligned" | "repaired";

/** One point of one line, measured on one data set. A itself, which two lines share, is `naive`. */
export interface MeasuredPoint extends CurvePoint {
  readonly split: string;
  readonly line: Line;
}

/** Repairs a merge of A and π(B), the share of B in which is `lambda`: what `pairRepair` gives. */
export type RepairMerge = (merged: Model, lambda: number) => Promise<{ readonly model: Model }>;

/**
 * What every evaluation of several models takes. Progress is of stage `evaluate`, in images over all points; your
 * own evaluation counts as one.
 */
export interface RunningOptions extends Running, ExecutorOptions {
  /** Images at a time. Default 250. */
  readonly batch?: number | undefined;
}

/** Options of `sampleCurves`. */
export interface CurveOptions extends RunningOptions {
  /** Default 25. */
  readonly points?: number | undefined;
  /** Also measures merges of A and π(B) that this has repaired, at every λ, the ends included. */
  readonly repair?: RepairMerge | undefined;
  /** Points of the same curves that were measured before: they are taken as they are. */
  readonly resume?: Iterable<MeasuredPoint> | undefined;
  /** Called with each point that is measured, and waited for. */
  readonly onPoint?: ((point: MeasuredPoint) => Promise<void> | void) | undefined;
}

/** One data set's curves. */
export interface CurvePair {
  /** From A to B. */
  readonly naive: Curve;
  /** From A to π(B). */
  readonly aligned: Curve;
  /** From A to π(B), each merge repaired; only with `repair`. */
  readonly repaired?: Curve | undefined;
}

/** A model somewhere on a line. */
export type ModelAt = (lambda: number, line: Line) => Promise<Model>;

/** Keeps both models and π(B) in memory; gives blends of them. λ = 1 of `naive` is B itself. */
export async function blendsOf(
  pair: AlignedPair,
  options: Pick<CurveOptions, "signal" | "onProgress" | "repair"> = {},
): Promise<ModelAt> {
  const { spec, permutations } = pair;
  const a = await keepModel(pair.a, options);
  const b = await keepModel(pair.b, options);
  const aligned = await keepModel(await applyPermutations(b, spec, permutations), options);
  const pairs = { naive: pairOf(a, b, spec), aligned: pairOf(a, aligned, spec) };
  return async (lambda, line) => {
    const ends = line === "naive" ? pairs.naive : pairs.aligned;
    const blend = await mergeModels(ends.a, ends.b, ends, new Map(), { lambda });
    return line === "repaired" ? (await options.repair!(blend, lambda)).model : blend;
  };
}

/**
 * Loss and accuracy at equal steps of λ between A and B and between A and π(B), on each of the data sets. A data set is
 * labelled images, or your own function that evaluates a model. Both models are held in memory; A is evaluated once for
 * both lines. With `repair`, a third line has the merges of A and π(B) repaired.
 *
 * Errors of `repair` and the reason of an aborted signal pass through.
 *
 * @throws {SpecError} when models, spec and permutations do not fit each other.
 * @throws {RangeError} when a data set does not fit the network.
 *
 * @example
 * const { naive, aligned } = (await sampleCurves({ a, b, spec, permutations }, new Map([["test", data]]))).get("test")!;
 * barrier(aligned).maxMinusMeanEndpoints;
 */
export async function sampleCurves(
  pair: AlignedPair,
  splits: ReadonlyMap<string, Dataset | Evaluate>,
  options: CurveOptions = {},
): Promise<Map<string, CurvePair>> {
  checkOptions("sampleCurves", options, OPTIONS);
  for (const [split, data] of splits) checkMeasured(`split ${split}`, data);
  const steps = lambdas(options.points ?? CURVE_POINTS);
  const lines = linesOf(steps, options.repair !== undefined);
  const points = await measurePoints(pair, splits, lines, options);
  const curve = (name: Line, split: string): Curve => ({
    name,
    points: steps.map((lambda) => {
      const { loss, accuracy } = points.get(keyOf({ split, line: name, lambda }))!;
      return { lambda, loss, accuracy };
    }),
  });
  return new Map(
    [...splits.keys()].map((split) => [
      split,
      {
        naive: curve("naive", split),
        aligned: curve("aligned", split),
        repaired: options.repair && curve("repaired", split),
      },
    ]),
  );
}

const OPTIONS: OptionKinds<CurveOptions> = {
  points: "number",
  repair: "function",
  resume: "object",
  onPoint: "function",
  batch: "number",
  executor: "object",
  ...RUNNING,
};

/** One model of a line. */
interface LinePlace {
  readonly line: Line;
  readonly lambda: number;
}

/** All models to measure, in order: A once for both lines that start there. */
function linesOf(steps: readonly number[], repaired: boolean): LinePlace[] {
  const along = (line: Line, from: number): LinePlace[] => steps.slice(from).map((lambda) => ({ line, lambda }));
  return [...along("naive", 0), ...along("aligned", 1), ...(repaired ? along("repaired", 0) : [])];
}

/** Where a point is kept: A of the aligned line is A. */
function keyOf({ split, line, lambda }: LinePlace & { readonly split: string }): string {
  return JSON.stringify([split, line === "aligned" && lambda === 0 ? "naive" : line, lambda]);
}

async function measurePoints(
  pair: AlignedPair,
  splits: ReadonlyMap<string, Dataset | Evaluate>,
  places: readonly LinePlace[],
  options: CurveOptions,
): Promise<Map<string, CurvePoint>> {
  const points = new Map<string, CurvePoint>();
  for (const point of options.resume ?? []) points.set(keyOf(point), point);
  const modelAt = await blendsOf(pair, options);
  const runner = createRunner(options.executor);
  const images = [...splits.values()].reduce((sum, data) => sum + countOf(data), 0);
  const progress = countedProgress(options.onProgress, places.length * images);
  try {
    for (const { line, lambda } of places) {
      let model: Model | undefined;
      for (const [split, data] of splits) {
        const key = keyOf({ split, line, lambda });
        const onProgress = progress(countOf(data));
        if (points.has(key)) continue;
        model ??= await modelAt(lambda, line);
        const found = await evaluateOn(runner, model, data, { ...options, onProgress });
        points.set(key, { lambda, ...found });
        await options.onPoint?.({ split, line, lambda, ...found });
      }
    }
  } finally {
    runner.dispose();
  }
  return points;
}

/** Images of a data set; 1 for an evaluation of the user's own. */
export function countOf(data: Dataset | Evaluate): number {
  return typeof data === "function" ? 1 : data.count;
}

/** Evaluates a model by the user's function, or on a data set in the runner's network. */
export async function evaluateOn(
  runner: ModelRunner,
  model: Model,
  data: Dataset | Evaluate,
  { batch, signal, onProgress }: RunningOptions,
): Promise<Evaluation> {
  if (typeof data !== "function") return evaluateRunning(await runner.load(model), data, { batch, signal, onProgress });
  signal?.throwIfAborted();
  const found = await evaluateBy(data, model);
  onProgress?.({ stage: "evaluate", done: 1, total: 1 });
  return found;
}

/** Many evaluations as one: `next(count)` gives the progress of the next `count` images of `total`. */
export function countedProgress(onProgress: OnProgress | undefined, total: number): (count: number) => OnProgress {
  let before = 0;
  return (count) => {
    const base = before;
    before += count;
    return ({ done }) => onProgress?.({ stage: "evaluate", done: base + done, total });
  };
}
