/** What one matching run works with: kernels, the problem, and its areas of wasm memory. */

import type { Kernels } from "../../kernels/kernels.ts";
import { type Areas, allocateAreas } from "./areas.ts";
import type { Problem } from "./problem.ts";
import { createStaging, type Staging } from "./staging.ts";

export interface Workspace extends Areas {
  readonly kernels: Kernels;
  readonly problem: Problem;
  readonly staging: Staging;
  /** Roots whose `keptDuals` hold those of an assignment. */
  readonly solved: Set<number>;
}

/**
 * `jointly` for Frank–Wolfe, which needs more matrices; `sanitize` counts NaN and infinities as 0; `linear`: which
 * permutations have a linear term, whose matrices are the caller's to fill.
 */
export function createWorkspace(
  kernels: Kernels,
  problem: Problem,
  jointly: boolean,
  sanitize: boolean,
  linear: readonly boolean[] = [],
): Workspace {
  const areas = allocateAreas(kernels.arena, kernels, problem, jointly, linear);
  const staging = createStaging(kernels, areas.stagingA, areas.stagingB, sanitize);
  return { ...areas, kernels, problem, staging, solved: new Set() };
}
