/** What one matching run works with: kernels, the problem, and its areas of wasm memory. */

import type { Kernels } from "../../kernels/kernels.ts";
import { type Areas, allocateAreas, type Needs } from "./areas.ts";
import { type CostEngine, createEngine } from "./engine.ts";
import type { Keeper } from "./keeper.ts";
import { createMatrices, type Matrices } from "./matrices.ts";
import type { Problem } from "./problem.ts";
import { createStaging, plainWriters, type Staging } from "./staging.ts";

export interface Workspace extends Omit<Areas, "kept" | "running" | "linear"> {
  readonly kernels: Kernels;
  readonly engine: CostEngine;
  readonly problem: Problem;
  readonly staging: Staging;
  readonly kept: Matrices;
  readonly running: Matrices;
  readonly linear: Matrices;
  /** Where permutations are that may not move, by number; default in place. */
  readonly held?: readonly Int32Array[] | undefined;
  /** Roots whose `keptDuals` hold those of an assignment. */
  readonly solved: Set<number>;
  /** Keeps how far the matching is, where that is asked for. */
  readonly keeper?: Keeper | undefined;
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
  const sizes = problem.permutations.map(({ size }) => size);
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
