/** Permutations that a matching leaves in place, where tensors are slices or have blocks. */

import type { ResolvedTensor } from "../../axes/types.ts";

/** See `NestedCode`. */
export function fix(tensor: ResolvedTensor, inPlace: readonly boolean[]): ResolvedTensor {
  if (!inPlace.includes(true)) return tensor;
  const { axes, slice } = tensor;
  return {
    ...tensor,
    slice: slice && inPlace[slice.permutation] ? undefined : slice,
    axes: axes.map(({ length, segments }) => ({
      length,
      segments: segments.map((segment) => ({
        ...segment,
        factors: segment.factors.map((factor) =>
          inPlace[factor.permutation] ? { size: factor.size, stride: factor.stride, permutation: -1 } : factor,
        ),
      })),
    })),
  };
}
