/** The axes of a tensor as people read them. */

import { formatAxis, isStructured } from "./axis-text.ts";
import type { ResolvedSpec } from "./types.ts";

/**
 * The axes of tensor number `at`, with every size filled in (`["P1", "P0*49"]`), except where blocks or concatenations
 * are inside products.
 */
export function axisTexts({ tensors, permutations, spec }: ResolvedSpec, at: number): string[] {
  const given = spec.tensors.get(tensors[at]!.name);
  return tensors[at]!.axes.map(({ length, segments }, i) => {
    const axis = given?.axes[i];
    if (axis !== undefined && isStructured(axis)) return formatAxis(axis);
    return segments.length === 0
      ? String(length)
      : formatAxis(
          segments.map(({ factors, length: size }) =>
            factors.length === 0
              ? [size]
              : factors.map((factor) =>
                  factor.permutation < 0 ? factor.size : permutations[factor.permutation]!.name,
                ),
          ),
        );
  });
}
