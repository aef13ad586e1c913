/** What a model computes, if TensorFlow.js is to run it. Loads nothing of TensorFlow.js. */

import type { Model } from "../../base/model.ts";
import { describeGraph } from "../../families/describe-graph.ts";
import type { Graph } from "../../graph/graph.ts";

/** Models that came from ONNX files have their graph with them. */
export const isOnnx = ({ origin }: Pick<Model, "origin">): boolean => origin?.format === "onnx";

/**
 * The graph of a model: by the names and shapes of its tensors, or that of its ONNX file. Rejects with `RangeError`
 * for a model of no known family, and for an ONNX network with operators that TensorFlow.js does not have here.
 */
export async function tensorFlowGraph(model: Model): Promise<Graph> {
  if (!isOnnx(model)) return describeGraph(model);
  const { onnxGraph } = await import("../onnx/graph-of-model.ts");
  const { graph, isPlain } = await onnxGraph(model);
  if (isPlain) return graph;
  const kinds = new Set(graph.operations.flatMap(({ kind }) => (kind.op === "other" ? [kind.kind] : [])));
  const odd = kinds.size > 0 ? [...kinds].slice(0, 3).join(", ") : "convolutions of other windows";
  throw new RangeError(
    `${model.name} has ${odd}, which TensorFlow.js does not run here; onnxruntime does, but has no gradients: match by weights or activations`,
  );
}
