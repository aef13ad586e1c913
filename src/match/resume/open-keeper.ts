/** Loaded on demand: a checkpoint is opened, and refused where it belongs to another run. */

import type { Keeper } from "../costs/keeper.ts";
import type { Workspace } from "../costs/workspace.ts";
import type { MatchCheckpoint } from "./checkpoint.ts";
import { createKeeper } from "./keeper.ts";
import { readState } from "./read-state.ts";
import { type RunFacts, recordRun } from "./run-record.ts";

/**
 * What makes the keeper of a matching once it has its memory. Rejects, before any work, with `RangeError` for the
 * checkpoint of another run, with `FormatError` for a damaged one.
 */
export async function openKeeper(
  checkpoint: MatchCheckpoint,
  facts: RunFacts & { readonly seed: number },
  signal: AbortSignal | undefined,
): Promise<(workspace: Workspace) => Keeper> {
  const record = await recordRun(facts, signal);
  const { resume } = checkpoint;
  const earlier = resume && (await readState(resume, record, facts.outline, signal));
  return (workspace) => createKeeper(workspace, facts.seed, checkpoint, record, earlier);
}
