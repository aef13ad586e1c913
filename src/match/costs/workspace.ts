/** What one matching run works with: kernels, the problem, and its areas of wasm memory. */

import type { Kernels } from "../../kernels/kernels.ts";
import { type Areas, allocateAreas } from "./areas.ts";
import type { Problem } from "./problem.ts";
import { createStaging, plainStages, type Staging } from "./staging.ts";

export interface Workspace extends Areas {
  readonly kernels: Kernels;
  readonly problem: Problem;
  readonly staging: Staging;
  /** Roots whose `keptDuals` hold those of an assignment. */
  readonly solved: Set<number>;
}

/** What a matching can work on. */
export interface InRange {
  readonly workspace: Workspace;
  /** Objectives of the workspace times this are those of the models: a power of two. */
  readonly unit: number;
  /** Σ ⟨A, π(B)⟩ in the models' own unit where the workspace has their values rounded. */
  readonly exact?: ((orders: readonly Int32Array[]) => number) | undefined;
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
  const staging = createStaging(kernels, areas.stagingA, areas.stagingB, plainStages(kernels, sanitize));
  return { ...areas, kernels, problem, staging, solved: new Set() };
}
