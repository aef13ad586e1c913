/**
 * Entry `rebasin/graph`: what a model computes, as operations on named values. From that follow the shapes of the
 * values, where the units of a permutation show, and which operations are linear. Nothing here runs a model.
 *
 * @example
 * import { describeGraph, linearOperations, tapsOf, valueShapes } from "rebasin/graph";
 * import { detectSpec, openModel } from "rebasin/node";
 *
 * const model = await openModel("a.safetensors");
 * const graph = await describeGraph(model);
 * for (const { value, weight } of await linearOperations(graph)) console.log(value, "is made by", weight);
 * console.log(valueShapes(graph, model.tensors, [28, 28, 1]).get(graph.output)); // [10]
 * const taps = await tapsOf(graph, await detectSpec(model), model);
 * console.log(taps.get("P0")); // [{ value: "layers.0.relu", block: 1 }]
 *
 * @module
 */

export type { DrawnArrow, DrawnBox, DrawnGroup, DrawnTensor, NetworkDrawing } from "./base/network-drawing.ts";
export { type DescribeOptions, describeGraph } from "./families/describe-graph.ts";
export {
  type Architecture,
  initialiseModel,
  type MlpArchitecture,
  type NormKind,
  type ResnetArchitecture,
  type VggArchitecture,
} from "./families/initialise.ts";
export { type NetworkNotes, withNetworkNotes } from "./families/network-notes.ts";
export type { DetectOptions } from "./families/options.ts";
export { skeletonSpec } from "./families/skeleton.ts";
export { asOperators } from "./graph/as-operators.ts";
export type {
  Activation,
  ConvLayout,
  ConvWindow,
  DenseLayout,
  Graph,
  Operation,
  OperationKind,
} from "./graph/graph.ts";
export { type LinearOperation, linearOperations } from "./graph/linear-operations.ts";
export type {
  AttributeValue,
  ConstantValue,
  Operator,
  OperatorGraph,
  OperatorInput,
} from "./graph/operators.ts";
export { type ValueShape, valueShapes } from "./graph/value-shapes.ts";
export { type DrawnNetwork, drawNetwork } from "./infer/draw-network.ts";
export type { FrozenAxis } from "./infer/frozen-axes.ts";
export { type InferredSpec, inferSpec } from "./infer/infer-spec.ts";
export { type Tap, tapsOf } from "./infer/taps.ts";
export type { PlacedTensor } from "./infer/value-groups.ts";
export { type CosineSchedule, cosineSchedule, type Schedule } from "./run/schedule.ts";
