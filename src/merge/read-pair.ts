/** The bytes that a merge of two blends at a time: one tensor of both models, or rows of it. */

import type { ResolvedTensor } from "../axes/types.ts";
import { elementBytes } from "../base/dtype.ts";
import { type BytePart, type Model, readPart } from "../base/model.ts";
import { sourceOf } from "../perm/gather-tensor.ts";
import { rowPart } from "../perm/row-part.ts";
import type { Blend, TensorPair } from "./methods/blend-tensor.ts";

/** Two models, and how B moves. */
export interface MovedPair {
  readonly a: Model;
  readonly b: Model;
  readonly tensors: ReadonlyMap<string, ResolvedTensor>;
  readonly permutations: readonly Int32Array[];
}

/**
 * Reads `part` if it is of rows that stay in place (the pair then has `first`), else the whole tensor. So it does for a
 * slerp, whose arc is one of whole tensors.
 */
export async function readPair(
  { a, b, tensors, permutations }: MovedPair,
  name: string,
  blend: Blend,
  part: BytePart | undefined,
  signal: AbortSignal | undefined,
): Promise<TensorPair> {
  const tensor = tensors.get(name)!;
  // Unknown names are refused by A.
  const rows = part && tensor && blend !== "slerp" && rowPart(tensor, part);
  const read = (model: Model, own: string): Promise<Uint8Array> =>
    rows ? readPart(model, own, part, tensor.info, signal) : model.read(own, signal);
  return {
    ...{ name, models: [a.name, b.name], tensor: rows || tensor, permutations },
    a: await read(a, name),
    b: await read(b, sourceOf(tensors, name, permutations)),
    dtype: a.tensors.get(name)!.dtype,
    first: rows ? part[0] / elementBytes(tensor.info.dtype) : undefined,
  };
}
