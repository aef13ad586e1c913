/**
 * `rebasin/tf`: runs networks on TensorFlow.js, whose packages `@tensorflow/tfjs-core` and
 * `@tensorflow/tfjs-backend-wasm` must be installed: predictions, loss, accuracy, activations, training.
 */

export { type ActivationCostOptions, activationCosts } from "./by-data/activation-costs.ts";
export {
  type ActivationCost,
  type ActivationStatistics,
  createActivationStatistics,
  type Moments,
} from "./by-data/activation-statistics.ts";
export {
  type ChosenStart,
  chooseStart,
  type FoundBySearch,
  type Start,
  type StartsOptions,
  type TriedStart,
} from "./by-data/choose-start.ts";
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
export { describeGraph } from "./families/describe-graph.ts";
export type { ConvLayout, DenseLayout, Graph, Operation, OperationKind } from "./graph/graph.ts";
export { type LinearOperation, linearOperations } from "./graph/linear-operations.ts";
export { type ValueShape, valueShapes } from "./graph/value-shapes.ts";
export { type Tap, tapsOf } from "./infer/taps.ts";
export type { Choice } from "./match/costs/choose-permutations.ts";
export type { LinearTerm } from "./match/costs/linear-term.ts";
export { type CostMatching, type MatchCostsOptions, matchCosts } from "./match/match-costs.ts";
export { type Barrier, barrier, type Curve, type CurvePoint } from "./measure/barrier.ts";
export { type CalibrationOptions, type Calibrations, calibratePair, type Place } from "./measure/calibrate-pair.ts";
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
export {
  type CostMap,
  costMaps,
  type TensorSimilarity,
  tensorSimilarities,
} from "./measure/tensor-similarity.ts";
export type { AlignedPair } from "./perm/pair.ts";
export { applyTaskAffine } from "./repair/apply-task-affine.ts";
export type { RepairAt } from "./repair/places.ts";
export {
  type PairRepair,
  pairRepair,
  type RepairedModel,
  type RepairedValue,
  type RepairKind,
  type RepairOptions,
  type RepairReport,
  repairModel,
} from "./repair/repair-model.ts";
export type { AffineKind } from "./repair/repair-places.ts";
export { type TaskAffineOptions, taskAffine } from "./repair/task-affine.ts";
export type { Evaluate, EvaluateOptions, Evaluation, Predictions } from "./run/evaluate.ts";
export type { Executor, ExecutorOptions, Network, Value } from "./run/executor.ts";
export {
  type Architecture,
  initialiseModel,
  type MlpArchitecture,
  type NormKind,
  type ResnetArchitecture,
  type VggArchitecture,
} from "./run/initialise.ts";
export { type Answers, type Calibration, calibrate, evaluateLogits, type ReliabilityBin } from "./run/metrics.ts";
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
