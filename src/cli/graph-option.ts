/** `--graph MODEL.onnx`: the spec of checkpoints in any format from an exported graph. */

import type { Spec } from "../axes/types.ts";
import type { Model } from "../base/model.ts";
import { visible } from "../base/visible.ts";
import type { GraphSpec } from "../link/from-graph.ts";
import { openModelFile } from "../node/open-model.ts";

/** A graph's file that is open, and what it shows of a model. */
export interface OpenGraph extends GraphSpec {
  readonly file: Model;
}

/** Opens the graph's file, concludes the spec of `model`, runs `use`, closes the file. */
export async function withGraph<T>(
  path: string,
  model: Model,
  signal: AbortSignal,
  use: (graph: OpenGraph) => Promise<T>,
): Promise<T> {
  const { graphSpec } = await import("../link/from-graph.ts");
  const file = await openModelFile(path, { signal });
  try {
    return await use({ file, ...(await graphSpec(file, model, { signal })) });
  } finally {
    await file.close?.();
  }
}

/** The spec that `--graph` gives for `model`. */
export async function specOfGraph(path: string, model: Model, signal: AbortSignal): Promise<Spec> {
  return withGraph(path, model, signal, async ({ spec }) => spec);
}

/** How tensors were linked, for people: counts, and one line for each that has another name or order. */
export function linkLines({ links }: Pick<GraphSpec, "links">): string[] {
  const renamed = links.filter(
    ({ by, graph, tensor, order }) => by !== "name" || graph !== tensor || order !== undefined,
  );
  return renamed.map(({ graph, tensor, by, order }) => {
    const turned = order === undefined ? "" : `, axes ${order.join(", ")}`;
    return visible(`${tensor} is ${graph} of the graph${turned} (by ${by === "shape" ? "shape and order" : by})`);
  });
}
