/** Keeps how far a matching is after each sweep and step, and resumes there. */

import type { Keeper, PhaseState, Watched } from "../costs/keeper.ts";
import type { Workspace } from "../costs/workspace.ts";
import type { MatchCheckpoint } from "./checkpoint.ts";
import { countedRng } from "./counted-rng.ts";
import { listBehind, type WatchedCosts, watchCosts } from "./history.ts";
import type { Earlier } from "./read-state.ts";
import type { RunRecord } from "./run-record.ts";
import { keptModel } from "./write-state.ts";

/** `earlier`: what a run of the same `record` had kept. */
export function createKeeper(
  workspace: Workspace,
  seed: number,
  checkpoint: MatchCheckpoint,
  record: RunRecord,
  earlier: Earlier | undefined,
): Keeper {
  const behind = listBehind(workspace.problem);
  const watches = new WeakMap<Watched, WatchedCosts<Watched>>();
  const rng = countedRng(seed);
  const phases: (PhaseState | undefined)[] = [...(earlier?.phases ?? [])];
  const last = phases.length - 1;
  let [current, watch]: [number, WatchedCosts<Watched> | undefined] = [-1, undefined];
  return {
    rng,
    watch(kept) {
      // Of shared matrices nothing outlives a step.
      if (kept.shared) return kept;
      const watched = watchCosts(kept, behind);
      watches.set(watched.kept, watched);
      return watched.kept;
    },
    async begin(kept, running) {
      current++;
      watch = watches.get(kept);
      const state = phases[current];
      if (earlier !== undefined && current === last && state !== undefined) {
        rng.goTo(earlier.draws);
        watch?.resume(earlier.history);
        await restore(workspace, earlier, running !== undefined && state.orders.length === 0);
      }
      return copyOf(state);
    },
    async save(state, running) {
      phases[current] = copyOf(state);
      const kept = { phases, draws: rng.draws(), duals: dualsOf(workspace), history: watch?.history ?? [] };
      await checkpoint.save(keptModel(kept, record, workspace, behind, running));
    },
  };
}

/** What the solver changes later is kept apart. */
function copyOf<T extends PhaseState | undefined>(state: T): T {
  return state && { ...state, orders: [...state.orders], stale: state.stale?.slice() };
}

const dualsAt = ({ kernels, problem, keptDuals }: Workspace, root: number): Float64Array =>
  kernels.f64(keptDuals[root]!, problem.permutations[root]!.size);

const dualsOf = (workspace: Workspace): Map<number, Float64Array> =>
  new Map([...workspace.solved].map((root) => [root, dualsAt(workspace, root).slice()]));

/** Puts duals and running matrices in place. */
async function restore(workspace: Workspace, { duals, loadRunning }: Earlier, isRunning: boolean): Promise<void> {
  for (const [root, values] of duals) {
    dualsAt(workspace, root).set(values);
    workspace.solved.add(root);
  }
  if (isRunning) await loadRunning(workspace);
}
