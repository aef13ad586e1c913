/**
 * Entry `rebasin/tf`: everything that runs and trains networks on TensorFlow.js, whose packages `@tensorflow/tfjs-core`
 * and `@tensorflow/tfjs-backend-wasm` must be installed; without them, importing it fails with one line that names
 * them. Functions with an executor are the same as in `rebasin/by-data`, `rebasin/measure` and `rebasin/repair`.
 *
 * @example
 * import { initialiseModel } from "rebasin/graph";
 * import { readDataFolder } from "rebasin/node";
 * import { createNetwork, evaluateNetwork, trainNetwork } from "rebasin/tf";
 *
 * const images = await readDataFolder("fashion-mnist", { split: "test", limit: 500 });
 * const trained = await createNetwork(initialiseModel({ family: "mlp", widths: [784, 32, 10] }, 1));
 * await trainNetwork(trained, images, { epochs: 1, batch: 50, optimizer: "adam", learningRate: 1e-3, seed: 1 });
 * console.log((await evaluateNetwork(trained, images)).accuracy.toFixed(2));
 * const ofTrained = await trained.toModel();
 * trained.dispose();
 *
 * @module
 */

export { type ActivationCostOptions, activationCosts } from "./by-data/activation-costs.ts";
export {
  type ActivationMatching,
  type ActivationOptions,
  type ActivationReport,
  matchActivations,
} from "./by-data/match-activations.ts";
export type { StraightThroughOptions, Validation } from "./by-data/straight-through/options.ts";
export {
  matchStraightThrough,
  type StraightThroughMatching,
  type StraightThroughReport,
} from "./by-data/straight-through/straight-through.ts";
export type { Dataset } from "./data/dataset.ts";
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
export {
  type CurveOptions,
  type CurvePair,
  type Line,
  type MeasuredPoint,
  type RepairMerge,
  type RunningOptions,
  sampleCurves,
} from "./measure/curve.ts";
export type { AlignedPair } from "./perm/pair.ts";
export type { Need } from "./repair/least-squares/need.ts";
export type { SolvedOperation } from "./repair/least-squares/solve-in-order.ts";
export type { RepairOptions } from "./repair/options.ts";
export type { RepairAt } from "./repair/places.ts";
export { type PairRepair, pairRepair, repairModel } from "./repair/repair-model.ts";
export type { AffineKind } from "./repair/repair-places.ts";
export type { RepairedModel, RepairedValue, RepairKind, RepairReport } from "./repair/report.ts";
export { type TaskAffineOptions, taskAffine } from "./repair/task-affine.ts";
export type { Evaluate, EvaluateOptions, Evaluation, Predictions } from "./run/evaluate.ts";
export type { Executor, ExecutorOptions, Network, Value } from "./run/executor.ts";
export { evaluateModel } from "./run/models/evaluate-model.ts";
export { type CosineSchedule, cosineSchedule, type Schedule } from "./run/schedule.ts";
export { startBackend } from "./run/tfjs/backend.ts";
export { evaluateNetwork, predict } from "./run/tfjs/evaluate.ts";
export { tfExecutor } from "./run/tfjs/executor.ts";
export { registerGradients } from "./run/tfjs/gradients/register.ts";
export { createNetwork, type NetworkOptions, type Outputs, type TfNetwork } from "./run/tfjs/network.ts";
export {
  type EndedEpoch,
  type TrainableNetwork,
  type TrainedEpoch,
  type TrainOptions,
  trainNetwork,
} from "./run/tfjs/train.ts";
