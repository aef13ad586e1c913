/** A model with a bias of zeros beside each convolution and matrix that has none: the same network, able to shift. */

import { elementBytes } from "../base/dtype.ts";
import { memoryModel, type TensorData } from "../base/memory-model.ts";
import type { Model } from "../base/model.ts";
import { describeGraph } from "../families/describe-graph.ts";
import { checkBiasName, missingBias, type RepairPlace } from "./places.ts";

/**
 * A copy of `model` with zeros as biases of `places`, each after its weight in file order and of its dtype, and the
 * names of the new tensors. Throws `RangeError` where a name is taken or the
 * tensors then are no known network, and for ONNX models, whose graphs take no further tensors.
 */
export async function withBiases(
  model: Model,
  places: readonly RepairPlace[],
  signal?: AbortSignal,
): Promise<{ model: Model; added: string[] }> {
  if (model.origin?.format === "onnx" && places.some((place) => missingBias(place) !== undefined))
    throw new RangeError(
      `${model.name} is an ONNX file, whose graph takes no further tensors, expected no biases to be added: leave --add-bias out`,
    );
  const wanted = new Map<string, string>();
  for (const place of places) {
    const bias = missingBias(place);
    if (bias === undefined) continue;
    checkBiasName(model, place.scaled!, bias);
    wanted.set(place.scaled!, bias);
  }
  const tensors = new Map<string, TensorData>();
  for (const [name, info] of model.tensors) {
    tensors.set(name, { ...info, data: (await model.read(name, signal)).slice() });
    const bias = wanted.get(name);
    if (bias === undefined) continue;
    const { dtype, shape } = info;
    const channels = name.endsWith("kernel") ? shape.at(-1)! : shape[0]!;
    tensors.set(bias, { dtype, shape: [channels], data: new Uint8Array(channels * elementBytes(dtype)) });
  }
  const grown = memoryModel(tensors, { name: model.name, metadata: model.metadata });
  await describeGraph(grown);
  return { model: grown, added: [...wanted.values()] };
}
