/** What a model computes, and what runs it: by names, or by the graph in its own file. */

import type { ResolvedSpec } from "../../axes/types.ts";
import type { Model } from "../../base/model.ts";
import type { Graph } from "../../graph/graph.ts";
import { type Tap, tapsOf } from "../../infer/taps.ts";
import { type Executor, runsOnnx } from "../executor.ts";
import { isOnnx, tensorFlowGraph } from "../tfjs/graph-of-model.ts";
import { executorOf } from "./default-executor.ts";

/** A network as functions here see it. */
export interface ModelGraph {
  readonly graph: Graph;
  /** Where the units of each permutation show, as `tapsOf` finds it. */
  taps(resolved: ResolvedSpec): Promise<Map<string, readonly Tap[]>>;
}

/**
 * The graph of a model: that of its ONNX file, or by the names and shapes of its tensors. For an `executor` that
 * runs other operators than those of `Graph`, the file's graph may have them. Rejects with `RangeError` for a model of
 * no known family, and for an ONNX network that is none of images or that `executor` does not run.
 */
export async function modelGraph(model: Model, executor?: Executor): Promise<ModelGraph> {
  if (isOnnx(model) && (executor === undefined || runsOnnx(executor))) {
    const { onnxGraph } = await import("../onnx/graph-of-model.ts");
    const { graph, taps } = await onnxGraph(model);
    return { graph, taps: async (resolved) => taps(resolved) };
  }
  const graph = await tensorFlowGraph(model);
  return { graph, taps: (resolved) => tapsOf(graph, resolved, model) };
}

/**
 * What a model computes: the graph in its own ONNX file, or as `describeGraph` finds it. Of a file's graph, operators
 * that `Graph` does not have are of kind `other`.
 *
 * @throws {RangeError} for a model of no known family, and for an ONNX network that is none of images.
 *
 * @example
 * const { operations, leftOut = [] } = await graphOf(await openModel("model.onnx"));
 */
export async function graphOf(model: Model): Promise<Graph> {
  return (await modelGraph(model)).graph;
}

/**
 * What runs a model: the given executor, TensorFlow.js, or onnxruntime for an ONNX network of operators that
 * TensorFlow.js does not have here. Rejects with an `Error` that names the package to install if that is missing.
 */
export async function executorFor(model: Model, given: Executor | undefined): Promise<Executor> {
  if (given === undefined && isOnnx(model)) {
    const { onnxGraph } = await import("../onnx/graph-of-model.ts");
    if (!(await onnxGraph(model)).isPlain) return (await import("../onnx/executor.ts")).onnxExecutor();
  }
  return executorOf(given);
}
