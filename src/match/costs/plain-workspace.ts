/** Kernels, a problem, and its areas of wasm memory. */

import type { Kernels } from "../../kernels/kernels.ts";
import type { Areas } from "./areas.ts";
import type { CostEngine } from "./engine.ts";
import type { Keeper } from "./keeper.ts";
import type { Matrices } from "./matrices.ts";
import type { Problem } from "./problem.ts";
import type { Staging } from "./staging.ts";

export interface PlainWorkspace extends Omit<Areas, "kept" | "running" | "linear"> {
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
