/** What keeps how far a matching is. Types alone: the code is in `match/resume/`, loaded where it is asked for. */

import type { Rng } from "../../base/rng.ts";
import type { Matrices } from "./matrices.ts";

/** Where a solver is between two of its steps. Numbers are kept to the last bit. */
export interface PhaseState {
  readonly numbers: readonly number[];
  /** By permutation number; empty where the solver has none yet. */
  readonly orders: readonly Int32Array[];
  /** By group, which ones descent has to visit. */
  readonly stale?: Uint8Array | undefined;
}

/** What is remembered of `KeptCosts`: see there. */
export interface Watched {
  readonly shared: boolean;
  bring(p: number, orders: readonly Int32Array[]): Promise<void>;
  updates(p: number): number;
}

/**
 * A run of solvers, one after the other, each a *phase*. A run that resumes has the same phases: those that were over
 * end at once, and the last one continues where it was.
 */
export interface Keeper {
  /** The run's random numbers, which continue where they were. */
  readonly rng: Rng;
  /** Remembers how each matrix was computed, so that its bits can be had again. */
  watch<T extends Watched>(kept: T): T;
  /** Begins the next phase. Where an earlier run was in it, resolves to that, with matrices and duals as they were. */
  begin(kept: Watched, running?: Matrices): Promise<PhaseState | undefined>;
  /** Keeps where the phase is; `running`: the matrices that it needs. */
  save(state: PhaseState, running?: Matrices): Promise<void>;
}
