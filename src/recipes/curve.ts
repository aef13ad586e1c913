/** Evaluation along the line between two models, as they are and aligned (paper, figure 2). Runs on TensorFlow.js. */

import type { Dataset } from "../data/dataset.ts";
import { mergeModels } from "../merge/merge-models.ts";
import { checkOptions } from "../options.ts";
import { applyPermutations } from "../perm/apply.ts";
import type { OnProgress } from "../progress.ts";
import { evaluateNetwork, predict } from "../run/evaluate.ts";
import { type Calibration, calibrate } from "../run/metrics.ts";
import { createNetwork, type Network } from "../run/network.ts";
import type { Spec } from "../spec/types.ts";
import type { Model } from "../tensor.ts";
import { type Curve, type CurvePoint, lambdas } from "./barrier.ts";
import { keepModel } from "./kept-model.ts";

/** λ of every point of a curve in equal steps: 25 as in the paper's code. */
export const CURVE_POINTS = 25;

/** Options of `sampleCurves` and `calibratePair`. */
export interface CurveOptions {
  /** Default 25. */
  readonly points?: number;
  /** Images at a time. Default 250. */
  readonly batch?: number;
  readonly signal?: AbortSignal | undefined;
  /** Stage `evaluate`, in images over all points. */
  readonly onProgress?: OnProgress | undefined;
}

/** One data set's curves. */
export interface CurvePair {
  /** From A to B. */
  readonly naive: Curve;
  /** From A to π(B). */
  readonly aligned: Curve;
}

/** Two models and what aligns the second to the first. */
export interface AlignedPair {
  readonly a: Model;
  readonly b: Model;
  readonly spec: Spec;
  readonly permutations: ReadonlyMap<string, Int32Array>;
}

/** A model somewhere between A and B, `aligned` between A and π(B). */
export type ModelAt = (lambda: number, aligned: boolean) => Promise<Model>;

/** Keeps both models and π(B) in memory; gives blends of them. λ = 1 unaligned is B itself. */
export async function blendsOf(
  pair: AlignedPair,
  options: Pick<CurveOptions, "signal" | "onProgress"> = {},
): Promise<ModelAt> {
  const { spec, permutations } = pair;
  const a = await keepModel(pair.a, options);
  const b = await keepModel(pair.b, options);
  const aligned = await keepModel(await applyPermutations(b, spec, permutations), options);
  return (lambda, isAligned) => mergeModels(a, isAligned ? aligned : b, spec, new Map(), { lambda });
}

/**
 * Loss and accuracy at equal steps of λ between A and B and between A and π(B), on each of the data sets. Both models are
 * held in memory; A is evaluated once for both lines.
 *
 * Throws `SpecError` when models, spec and permutations do not fit each other, `RangeError` when a data set does not fit
 * the network, and the reason of an aborted signal.
 *
 * @example
 * const { naive, aligned } = (await sampleCurves({ a, b, spec, permutations }, new Map([["test", data]]))).get("test")!;
 * barrier(aligned).maxMinusMeanEndpoints;
 */
export async function sampleCurves(
  pair: AlignedPair,
  splits: ReadonlyMap<string, Dataset>,
  options: CurveOptions = {},
): Promise<Map<string, CurvePair>> {
  checkOptions("sampleCurves", options, ["points", "batch", "signal", "onProgress"]);
  const steps = lambdas(options.points ?? CURVE_POINTS);
  const modelAt = await blendsOf(pair, options);
  const network = await createNetwork(await modelAt(0, false));
  const images = [...splits.values()].reduce((sum, { count }) => sum + count, 0);
  const progress = countedProgress(options.onProgress, (2 * steps.length - 1) * images);
  const evaluateAll = async (lambda: number, aligned: boolean): Promise<Map<string, CurvePoint>> => {
    await network.load(await modelAt(lambda, aligned));
    const points = new Map<string, CurvePoint>();
    for (const [split, data] of splits) {
      points.set(split, {
        lambda,
        ...(await evaluateNetwork(network, data, { ...running(options), onProgress: progress(data.count) })),
      });
    }
    return points;
  };
  try {
    const start = await evaluateAll(0, false);
    const lines: Record<"naive" | "aligned", Map<string, CurvePoint>[]> = { naive: [start], aligned: [start] };
    for (const line of ["naive", "aligned"] as const)
      for (const lambda of steps.slice(1)) lines[line].push(await evaluateAll(lambda, line === "aligned"));
    const curve = (line: "naive" | "aligned", split: string): Curve => ({
      name: line,
      points: lines[line].map((points) => points.get(split)!),
    });
    return new Map(
      [...splits.keys()].map((split) => [split, { naive: curve("naive", split), aligned: curve("aligned", split) }]),
    );
  } finally {
    network.dispose();
  }
}

/** Options that the functions of src/run/ take. */
export function running({ batch, signal }: CurveOptions): { batch?: number; signal?: AbortSignal } {
  return { ...(batch === undefined ? {} : { batch }), ...(signal === undefined ? {} : { signal }) };
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

/** What a calibration is of. */
export type Place = "a" | "b" | "naive" | "aligned";

/**
 * Calibration of A, B and both midpoints on a data set: expected calibration error and reliability bins. Throws as
 * `sampleCurves` does.
 *
 * @example
 * const { aligned } = await calibratePair({ a, b, spec, permutations }, data);
 * aligned.error;
 */
export async function calibratePair(
  pair: AlignedPair,
  data: Dataset,
  options: CurveOptions = {},
): Promise<Record<Place, Calibration>> {
  const modelAt = await blendsOf(pair, options);
  const network = await createNetwork(await modelAt(0, false));
  const progress = countedProgress(options.onProgress, 4 * data.count);
  const at = async (lambda: number, aligned: boolean): Promise<Calibration> => {
    await network.load(await modelAt(lambda, aligned));
    return calibrationOf(network, data, { ...options, onProgress: progress(data.count) });
  };
  try {
    return { a: await at(0, false), b: await at(1, false), naive: await at(0.5, false), aligned: await at(0.5, true) };
  } finally {
    network.dispose();
  }
}

async function calibrationOf(network: Network, data: Dataset, options: CurveOptions): Promise<Calibration> {
  const { onProgress } = options;
  const { logits, classes } = await predict(network, data, {
    ...running(options),
    ...(onProgress ? { onProgress } : {}),
  });
  return calibrate({ logits, classes, labels: data.labels });
}
