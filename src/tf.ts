/**
 * `rebasin/tf`: runs networks on TensorFlow.js, whose packages `@tensorflow/tfjs-core` and
 * `@tensorflow/tfjs-backend-wasm` must be installed: predictions, loss, accuracy, activations.
 */

export type { Dataset } from "./data/dataset.ts";
export type { ConvLayout, DenseLayout, Graph, Operation, OperationKind } from "./graph.ts";
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
export { type LinearOperation, linearOperations } from "./run/linear-operations.ts";
export { type Answers, type Calibration, calibrate, evaluateLogits, type ReliabilityBin } from "./run/metrics.ts";
export { createNetwork, type Network, type NetworkOptions, type Outputs } from "./run/network.ts";
export { type ValueShape, valueShapes } from "./run/shapes.ts";
export { type Tap, tapsOf } from "./run/taps.ts";
