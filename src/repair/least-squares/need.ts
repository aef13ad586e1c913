/** How much memory least squares takes, before it starts. */

import type { Dataset } from "../../data/dataset.ts";
import { toTensorFlowShape } from "../../graph/tensor-layout.ts";
import { type CheckedNetwork, shapesFor } from "../../run/check-data.ts";
import { equationsBytes } from "./normal-equations.ts";
import { patchesOf } from "./patches.ts";

/** The operation whose equations are the largest. */
export interface Need {
  readonly value: string;
  /** Of wasm memory, in addition to TensorFlow.js's, which holds up to a gigabyte of values. */
  readonly bytes: number;
}

/** All that 32-bit addresses reach. */
const MOST_BYTES = 2 ** 32;

/**
 * What the largest operation needs. Rejects with `RangeError` naming it where no wasm memory could hold it.
 */
export async function leastSquaresNeed(
  { name, graph, tensors, network }: CheckedNetwork,
  { height, width, channels, count }: Pick<Dataset, "height" | "width" | "channels" | "count">,
  batch: number,
): Promise<Need> {
  const linear = graph.operations.filter(({ kind }) => kind.op === "dense" || kind.op === "conv");
  const values = new Set(linear.flatMap(({ inputs, output }) => [inputs[0]!, output]));
  const shapes = await shapesFor({ graph, tensors, network }, [height, width, channels], values);
  let need: Need = { value: graph.output, bytes: 0 };
  for (const { output, inputs, kind } of graph.operations) {
    if (kind.op !== "dense" && kind.op !== "conv") continue;
    const weight = toTensorFlowShape(kind.layout, tensors.get(kind.weight)!.shape);
    const patches = patchesOf(kind, weight, shapes.get(inputs[0]!)!, shapes.get(output)!);
    const bytes = equationsBytes(patches, kind.bias !== undefined, Math.min(batch, count));
    if (bytes > need.bytes) need = { value: output, bytes };
  }
  if (need.bytes > MOST_BYTES)
    throw new RangeError(
      `${name} at ${need.value} needs ${(need.bytes / 2 ** 30).toFixed(1)} GiB for least squares, expected at most 4`,
    );
  return need;
}
