/** What one matching run works with: kernels, the problem, and its areas of wasm memory. */

import type { Kernels } from "../../kernels/kernels.ts";
import { type Areas, allocateAreas, type Needs } from "./areas.ts";
import type { BlockCode } from "./block-code.ts";
import { createEngine } from "./engine.ts";
import { createMatrices, type Matrices } from "./matrices.ts";
import type { PlainWorkspace } from "./plain-workspace.ts";
import type { Problem } from "./problem.ts";
import { createStaging, plainWriters } from "./staging.ts";

export interface Workspace extends PlainWorkspace {
  /** What tensors with `blocks` need. */
  readonly blocks?: BlockCode | null | undefined;
}

/** What a matching can work on. */
export interface InRange {
  readonly workspace: Workspace;
  /** Objectives of the workspace times this are those of the models: a power of two. */
  readonly unit: number;
  /** Σ ⟨A, π(B)⟩ in the models' own unit where the workspace has their values rounded. */
  readonly exact?: ((orders: readonly Int32Array[]) => Promise<number>) | undefined;
}

/** `sanitize` counts NaN and infinities as 0. Matrices of a linear term are the caller's to fill. */
export function createWorkspace(kernels: Kernels, problem: Problem, needs: Needs, sanitize: boolean): Workspace {
  const areas = allocateAreas(kernels.arena, kernels, problem, needs);
  const { sides: sizes } = problem;
  const matrices = (places: Areas["kept"]): Matrices => createMatrices(kernels, sizes, places, areas.assigned);
  return {
    ...areas,
    kernels,
    engine: createEngine(kernels, areas),
    problem,
    staging: createStaging(kernels, problem, areas.staged, plainWriters(kernels, sanitize)),
    kept: matrices(areas.kept),
    running: matrices(areas.running),
    linear: matrices(areas.linear),
    solved: new Set(),
  };
}
