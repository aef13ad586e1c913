/** Convolutions and dense matrices of a graph, with what scales and shifts their outputs: what REPAIR works on. */

import type { Graph, OperationKind } from "./graph.ts";
import { readersOf } from "./readers.ts";

/** A dense matrix or a convolution. */
export interface LinearOperation {
  /** The value it makes, before any norm. */
  readonly value: string;
  readonly op: "dense" | "conv";
  readonly weight: string;
  readonly bias?: string | undefined;
  readonly layout: Extract<OperationKind, { op: "dense" | "conv" }>["layout"];
  /** The norm that alone reads that value, if there is one. */
  readonly norm?:
    | (Extract<OperationKind, { op: "batch-norm" | "layer-norm" }> & { readonly value: string })
    | undefined;
}

/**
 * Every convolution and dense matrix in the order in which they run, the one that gives the logits too.
 *
 * @example
 * const values = new Set((await linearOperations(graph)).map(({ value }) => value));
 */
export async function linearOperations(graph: Graph): Promise<LinearOperation[]> {
  const readers = readersOf(graph);
  return graph.operations.flatMap(({ output, kind }): LinearOperation[] => {
    if (kind.op !== "dense" && kind.op !== "conv") return [];
    const { op, weight, bias, layout } = kind;
    const following = readers.get(output) ?? [];
    const [next] = following;
    const isNorm = following.length === 1 && (next!.kind.op === "batch-norm" || next!.kind.op === "layer-norm");
    const norm = isNorm ? ({ ...next!.kind, value: next!.output } as NonNullable<LinearOperation["norm"]>) : undefined;
    return [{ value: output, op, weight, bias, layout, norm }];
  });
}
