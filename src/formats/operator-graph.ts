/** The graph that a model's file carries. */

import type { Model } from "../base/model.ts";
import type { Running } from "../base/options.ts";
import type { OperatorGraph } from "../graph/operators.ts";
import { fileOrigin } from "./folder/folder-container.ts";
import { formatNamed } from "./formats.ts";

/**
 * What a model's network computes, if its file contains it (ONNX, TensorFlow.js, Keras): operators with the meaning of
 * ONNX' newest. Undefined for models of other formats, and for those made in memory. `OperatorGraph.tensors` has names
 * of the model's tensors. The model must be open: nodes and small constants are read now.
 *
 * @throws {FormatError} naming file and operator: a graph that is malformed, or with operators of an unknown version.
 *
 * @example
 * const graph = await readGraph(await openModel("model.onnx"));
 * graph?.operators.map(({ kind }) => kind); // ["Conv", "Relu", "Gemm"]
 */
export async function readGraph(
  { origin }: Pick<Model, "origin">,
  { signal }: Pick<Running, "signal"> = {},
): Promise<OperatorGraph | undefined> {
  const { format, like } = fileOrigin(origin);
  if (format === undefined || like === undefined) return undefined;
  return (await formatNamed(format).load()).readGraph?.(like, { signal });
}
