/** A merge of two models that gives parts of its tensors, so that the largest tensor need not be in memory. */

import { elementBytes } from "../base/dtype.ts";
import { type Model, readPart } from "../base/model.ts";
import { withKernels } from "../kernels/idle.ts";
import type { Alignment, Permutations } from "../perm/alignment.ts";
import { bindPermutations } from "../perm/bind-permutations.ts";
import type { Pair } from "../perm/pair.ts";
import { rowPart } from "../perm/row-part.ts";
import type { MergeOptions } from "./merge-models.ts";
import { blendTensor } from "./methods/blend-tensor.ts";

/**
 * The model `merged`, which `mergeModels` made of `pair` with these options. It blends the rows that are asked for, if
 * rows stay in place and each value is blended by itself. Else it gives the whole tensor.
 */
export function mergeInParts(
  merged: Model,
  { a, b, resolved }: Pair,
  alignment: Alignment | Permutations,
  { lambda = 0.5, blend = "lerp", allowNonfinite = false, simd }: MergeOptions,
): Model {
  const permutations = bindPermutations(resolved, alignment);
  const tensors = new Map(resolved.tensors.map((tensor) => [tensor.name, tensor]));
  return {
    ...merged,
    async read(name, signal, into, part) {
      const whole = tensors.get(name);
      const rows = part === undefined || whole === undefined || blend === "slerp" ? null : rowPart(whole, part);
      if (rows === null) return merged.read(name, signal, into);
      const { info } = whole!;
      const pair = {
        ...{ name, permutations, models: [a.name, b.name] as const, tensor: rows, dtype: info.dtype },
        a: await readPart(a, name, part!, info, signal),
        b: await readPart(b, name, part!, info, signal),
        first: part![0] / elementBytes(info.dtype),
      };
      return withKernels({ simd }, (kernels) => blendTensor(kernels, pair, { lambda, blend, allowNonfinite }, into));
    },
  };
}
