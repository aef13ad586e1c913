/** Which tensors a graph reads and how, checked against a model. */

import { describeTensor, listFirst } from "../base/compare-tensors.ts";
import { isFloat } from "../base/dtype.ts";
import type { Model } from "../base/model.ts";
import type { Graph, OperationKind } from "./graph.ts";
import { type FileLayout, rankOf } from "./tensor-layout.ts";

/** How a graph reads a tensor. */
export interface OperandUse {
  readonly layout: FileLayout;
  /** False for running statistics. */
  readonly trainable: boolean;
}

/**
 * The tensors that a graph reads, by name. Throws `RangeError` when one is missing, has another rank, is no float or
 * does not have one value a channel. Float tensors that the graph does not read are refused too: the stored network is
 * then another one.
 */
export function tensorUses(graph: Graph, model: Pick<Model, "name" | "tensors">): Map<string, OperandUse> {
  const uses = new Map<string, OperandUse>();
  for (const { kind } of graph.operations) {
    for (const [name, use] of usesOf(kind)) {
      const before = uses.get(name);
      if (before !== undefined && before.layout !== use.layout)
        throw new RangeError(
          `${model.name} tensor ${name} is read as ${use.layout} and ${before.layout}, expected one`,
        );
      checkTensor(model, name, use.layout);
      uses.set(name, use);
    }
  }
  // What other operators read is for their runtime to know.
  if (graph.operations.some(({ kind }) => kind.op === "other")) return uses;
  const unread = [...model.tensors].filter(([name, { dtype }]) => isFloat(dtype) && !uses.has(name));
  if (unread.length > 0) {
    const names = listFirst(unread.map(([name]) => name));
    throw new RangeError(
      `${model.name} has ${unread.length} tensors the network does not read (${names}), expected none`,
    );
  }
  return uses;
}

function checkTensor(model: Pick<Model, "name" | "tensors">, name: string, layout: FileLayout): void {
  const info = model.tensors.get(name);
  if (info === undefined) throw new RangeError(`${model.name} tensor ${name} is missing, expected it in this network`);
  if (info.shape.length !== rankOf(layout) || !isFloat(info.dtype))
    throw new RangeError(
      `${model.name} tensor ${name} is ${describeTensor(info)}, expected floats of rank ${rankOf(layout)}`,
    );
}

function usesOf(kind: OperationKind): [name: string, use: OperandUse][] {
  const vector = (name: string | undefined, trainable = true): [string, OperandUse][] =>
    name === undefined ? [] : [[name, { layout: "vector", trainable }]];
  switch (kind.op) {
    case "dense":
    case "conv":
      return [[kind.weight, { layout: kind.layout, trainable: true }], ...vector(kind.bias)];
    case "batch-norm": {
      const statistics = [...vector(kind.mean, false), ...vector(kind.variance, false)];
      return [...vector(kind.scale), ...vector(kind.shift), ...statistics];
    }
    case "layer-norm":
      return [...vector(kind.scale), ...vector(kind.shift)];
    default:
      return [];
  }
}
