/** The axes of a tensor as people read them. */

import { formatAxis } from "./axis.ts";
import type { ResolvedSpec } from "./types.ts";

/** The axes of tensor number `at`, with every size filled in: `["P1", "P0*49"]`. */
export function axisTexts({ tensors, permutations }: ResolvedSpec, at: number): string[] {
  return tensors[at]!.axes.map(({ length, segments }) =>
    segments.length === 0
      ? String(length)
      : formatAxis(
          segments.map(({ factors, length: size }) =>
            factors.length === 0
              ? [size]
              : factors.map((factor) =>
                  factor.permutation < 0 ? factor.size : permutations[factor.permutation]!.name,
                ),
          ),
        ),
  );
}
