/**
 * Entry `rebasin/measure`: numbers about two models and the models between them: curves, contours, barriers,
 * calibration, similarity. Functions that run models take an `executor`, or your own evaluation. Without one they load
 * TensorFlow.js when they are called, and name the package to install if it is missing.
 *
 * @example
 * import { barrier, sampleCurves, tensorSimilarities } from "rebasin/measure";
 * import { detectSpec, matchWeights, type Model, openModel } from "rebasin/node";
 *
 * const [a, b] = [await openModel("a.safetensors"), await openModel("b.safetensors")];
 * const spec = await detectSpec(a);
 * const { permutations } = await matchWeights(a, b, spec);
 * for (const { name, naive, aligned } of await tensorSimilarities({ a, b, spec, permutations }))
 *   console.log(name, naive.toFixed(2), "→", aligned.toFixed(2));
 * // An evaluation of your own, here how many bytes the first tensor has that are 0.
 * const zeros = async (model: Model) => ({
 *   loss: (await model.read("layers.0.weight")).filter((byte) => byte === 0).length,
 *   accuracy: 0,
 * });
 * const curves = await sampleCurves({ a, b, spec, permutations }, new Map([["zeros", zeros]]), { points: 3 });
 * console.log(barrier(curves.get("zeros")!.aligned).maxMinusMeanEndpoints);
 *
 * @module
 */

export type { Dataset } from "./data/dataset.ts";
export { type Barrier, barrier, type Curve, type CurvePoint, lambdas } from "./measure/barrier.ts";
export {
  type CalibratedPlace,
  type CalibrationOptions,
  type Calibrations,
  calibratePair,
} from "./measure/calibrate-pair.ts";
export {
  type Contour,
  type ContourPoint,
  type ContourSettings,
  type PlanePlace,
  sampleContour,
} from "./measure/contour.ts";
export { type CostValues, costValues } from "./measure/cost-values.ts";
export {
  blendsOf,
  type CurveOptions,
  type CurvePair,
  type Line,
  type MeasuredPoint,
  type ModelAt,
  type RepairMerge,
  type RunningOptions,
  sampleCurves,
} from "./measure/curve.ts";
export { type Distance, modelDistance } from "./measure/distance.ts";
export {
  type CostMap,
  costMaps,
  type TensorSimilarity,
  tensorSimilarities,
} from "./measure/tensor-similarity.ts";
export type { AlignedPair } from "./perm/pair.ts";
export {
  type Evaluate,
  type EvaluateOptions,
  type Evaluation,
  type Predictions,
  predictRunning,
} from "./run/evaluate.ts";
export type { Executor, ExecutorOptions, Network, RunningModel, Value } from "./run/executor.ts";
export { type Answers, type Calibration, calibrate, evaluateLogits, type ReliabilityBin } from "./run/metrics.ts";
export { executorOf } from "./run/models/default-executor.ts";
export { evaluateModel } from "./run/models/evaluate-model.ts";
export { graphOf } from "./run/models/model-graph.ts";
export { createRunner, type ModelRunner } from "./run/models/running-model.ts";
export { type ModelScore, scoreModel } from "./run/models/score-model.ts";
export { fitTemperature, type LogitRows, meanProbabilities } from "./run/temperature.ts";
