/** What resetting BatchNorm's statistics has in common on every executor (REPAIR, Jordan et al. 2023). */

import type { Dataset } from "../data/dataset.ts";
import type { Graph } from "../graph/graph.ts";

/** Names of the values that are normalised. Throws `RangeError` when there are none, and for too few images. */
export function batchNormsOf(
  { name, graph }: { readonly name: string; readonly graph: Graph },
  data: Dataset,
): string[] {
  const norms = graph.operations.filter(({ kind }) => kind.op === "batch-norm");
  if (norms.length === 0)
    throw new RangeError(`${name} has no BatchNorm, expected one to reset: repair is for networks without`);
  if (data.count < 2) throw new RangeError(`${data.name} has ${data.count} image, expected at least 2 for statistics`);
  return norms.map(({ output }) => output);
}

/** Sets each tensor to the mean of its sums over batches. Throws `RangeError` for NaN and infinity. */
export function setAverages(
  name: string,
  sums: ReadonlyMap<string, Float64Array>,
  batches: number,
  set: (tensor: string, values: Float32Array) => void,
): void {
  for (const [tensor, sum] of sums) {
    const bad = sum.findIndex((each) => !Number.isFinite(each));
    if (bad >= 0)
      throw new RangeError(`${name} ${tensor} would be ${sum[bad]} in channel ${bad}, expected finite activations`);
    set(
      tensor,
      Float32Array.from(sum, (each) => each / batches),
    );
  }
}
