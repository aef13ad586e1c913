/**
 * `rebasin/tf`: runs networks on TensorFlow.js, whose packages `@tensorflow/tfjs-core` and
 * `@tensorflow/tfjs-backend-wasm` must be installed: predictions, loss, accuracy, activations, training.
 */

export type { Dataset } from "./data/dataset.ts";
export type { ConvLayout, DenseLayout, Graph, Operation, OperationKind } from "./graph.ts";
export {
  type ActivationCost,
  type ActivationStatistics,
  createActivationStatistics,
  type Moments,
} from "./match/activation-costs.ts";
export type { Choice } from "./match/chosen-groups.ts";
export type { LinearTerm } from "./match/linear-term.ts";
export { type CostMatching, type MatchCostsOptions, matchCosts } from "./match/match-costs.ts";
export { type ActivationCostOptions, activationCosts } from "./recipes/activation-costs.ts";
export {
  type ActivationMatching,
  type ActivationOptions,
  type ActivationReport,
  matchActivations,
} from "./recipes/activations.ts";
export { type Barrier, barrier, type Curve, type CurvePoint } from "./recipes/barrier.ts";
export { type CalibrationOptions, type Calibrations, calibratePair, type Place } from "./recipes/calibrate-pair.ts";
export {
  type Contour,
  type ContourPoint,
  type ContourSettings,
  type PlanePlace,
  sampleContour,
} from "./recipes/contour.ts";
export {
  type AlignedPair,
  type CurveOptions,
  type CurvePair,
  type Line,
  type MeasuredPoint,
  type RepairMerge,
  type RunningOptions,
  sampleCurves,
} from "./recipes/curve.ts";
export type { RepairAt } from "./recipes/repair/places.ts";
export {
  type PairRepair,
  pairRepair,
  type RepairedModel,
  type RepairedValue,
  type RepairKind,
  type RepairOptions,
  type RepairReport,
  repairModel,
} from "./recipes/repair/repair-model.ts";
export type { AffineKind } from "./recipes/repair/repair-places.ts";
export { applyTaskAffine, type TaskAffineOptions, taskAffine } from "./recipes/repair/task-affine.ts";
export {
  type ChosenStart,
  chooseStart,
  type FoundBySearch,
  type Start,
  type StartsOptions,
  type TriedStart,
} from "./recipes/starts.ts";
export type { Orders } from "./recipes/straight-through/midpoint.ts";
export type { StraightThroughOptions, Validation } from "./recipes/straight-through/options.ts";
export {
  matchStraightThrough,
  type StraightThroughMatching,
  type StraightThroughReport,
} from "./recipes/straight-through/straight-through.ts";
export {
  type CostMap,
  costMaps,
  type TensorSimilarity,
  tensorSimilarities,
} from "./recipes/tensor-similarity.ts";
export { startBackend } from "./run/backend.ts";
export { describeGraph } from "./run/describe-graph.ts";
export {
  type EvaluateOptions,
  type Evaluation,
  evaluateModel,
  evaluateNetwork,
  type Predictions,
  predict,
} from "./run/evaluate.ts";
export { registerGradients } from "./run/gradients/register.ts";
export {
  type Architecture,
  initialiseModel,
  type MlpArchitecture,
  type NormKind,
  type ResnetArchitecture,
  type VggArchitecture,
} from "./run/initialise.ts";
export { type LinearOperation, linearOperations } from "./run/linear-operations.ts";
export { type Answers, type Calibration, calibrate, evaluateLogits, type ReliabilityBin } from "./run/metrics.ts";
export { createNetwork, type Network, type NetworkOptions, type Outputs } from "./run/network.ts";
export { type CosineSchedule, cosineSchedule, type Schedule } from "./run/schedule.ts";
export { type ValueShape, valueShapes } from "./run/shapes.ts";
export { type Tap, tapsOf } from "./run/taps.ts";
export {
  type EndedEpoch,
  type TrainableNetwork,
  type TrainedEpoch,
  type TrainOptions,
  trainNetwork,
} from "./run/train.ts";
