/** Where a network is repaired: values whose channels can be scaled and shifted by the tensors that make them. */

import type { Model } from "../base/model.ts";
import type { Graph, Operation } from "../graph/graph.ts";

/** A value and the tensors that scaling and shifting its channels is folded into. */
export interface RepairPlace {
  /** Name of the value, for `Network.run`. */
  readonly value: string;
  readonly op: "dense" | "conv" | "batch-norm" | "layer-norm";
  /** The matrix, kernel or norm's scale; a norm may have none. */
  readonly scaled?: string | undefined;
  /** The bias or norm's shift; there may be none. */
  readonly shifted?: string | undefined;
}

/** Which values are repaired. */
export type RepairAt = "linear" | "norms" | "both";

/**
 * Places in the order in which they are computed. `linear`: the output of every convolution and dense matrix, except
 * the logits. A BatchNorm replaces the output that it alone normalises, since its affine undoes any scale before it.
 * `norms`: outputs of norms. `both`: all of these.
 */
export function repairPlaces(graph: Graph, at: RepairAt = "linear"): RepairPlace[] {
  const normalised = new Set(graph.operations.flatMap(({ kind, inputs }) => (kind.op === "batch-norm" ? inputs : [])));
  for (const value of [...normalised]) if (readers(graph, value) > 1) normalised.delete(value);
  return graph.operations.flatMap((operation): RepairPlace[] => {
    const { output, kind } = operation;
    if (kind.op === "dense" || kind.op === "conv") {
      if (at === "norms" || output === graph.output || normalised.has(output)) return [];
      return [{ value: output, op: kind.op, scaled: kind.weight, shifted: kind.bias }];
    }
    if (kind.op === "batch-norm" || (kind.op === "layer-norm" && at !== "linear"))
      return [{ value: output, op: kind.op, scaled: kind.scale, shifted: kind.shift }];
    return [];
  });
}

function readers({ operations }: Graph, value: string): number {
  return operations.filter(({ inputs }: Operation) => inputs.includes(value)).length;
}

/** The name a bias of `place` would have beside its weight; undefined where it has one, or is no matrix or kernel. */
export function missingBias({ op, scaled, shifted }: RepairPlace): string | undefined {
  if (shifted !== undefined || scaled === undefined || (op !== "dense" && op !== "conv")) return undefined;
  return scaled.replace(/(weight|kernel)$/, "bias");
}

/** Throws `RangeError` where a bias cannot be added under the name that this family gives it. */
export function checkBiasName(model: Pick<Model, "name" | "tensors">, weight: string, bias: string): void {
  if (bias === weight || model.tensors.has(bias))
    throw new RangeError(
      `${model.name} tensor ${weight} leaves no name for a bias, expected it to end in weight or kernel`,
    );
}
