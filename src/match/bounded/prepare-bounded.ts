/**
 * A matching that keeps within a limit of memory: matrices wait in a temporary file, tensors are read again and again.
 * All that is computed is the same. Loaded on demand, and absent in edge workers.
 */

import type { Running } from "../../base/options.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import { openScratchFile } from "../../kernels/open-scratch.ts";
import { halfOfMemory, type ScratchFile } from "../../kernels/scratch-file.ts";
import type { Needs } from "../costs/areas.ts";
import type { Outline } from "../costs/problem.ts";
import { createWorkspace, type Workspace } from "../costs/workspace.ts";
import type { MatchedModels, Prepared } from "../prepared.ts";
import { type MemoryPlan, placeWaiting, planMemory } from "./plan-memory.ts";
import { readSome } from "./read-again.ts";
import { createFileRoom, waitingMatrices } from "./waiting-matrices.ts";

/**
 * Null where everything fits in `memory` bytes, or where that is not given in half of the machine's. A browser does not
 * report that: there the default is small, or the least that the matching needs.
 */
export async function prepareBounded(
  models: MatchedModels,
  kernels: Kernels,
  outline: Outline,
  needs: Needs,
  sanitize: boolean,
  options: Running & { readonly memory?: number | undefined },
): Promise<Prepared | null> {
  let file: ScratchFile | null = null;
  const hasFile = async (): Promise<boolean> => {
    file ??= await openScratchFile();
    return file !== null;
  };
  try {
    const known = options.memory ?? halfOfMemory();
    const bytes = known ?? (await import("../../kernels/private-files.ts")).memoryOfPage();
    const plan = await planMemory(kernels, outline, needs, { bytes, isFirm: known !== undefined }, hasFile);
    if (plan === null) return null;
    kernels.arena.reserve(plan.end);
    const workspace = await boundedWorkspace(models, kernels, outline, needs, sanitize, plan, file, options);
    return { workspace, memoryBytes: plan.end, end: () => file?.close() };
  } catch (error) {
    await (file as ScratchFile | null)?.close();
    throw error;
  }
}

/** A workspace by the plan; `file`: where matrices wait, if any do. */
export async function boundedWorkspace(
  models: MatchedModels,
  kernels: Kernels,
  outline: Outline,
  needs: Needs,
  sanitize: boolean,
  { waiting, held }: Pick<MemoryPlan, "waiting" | "held">,
  file: ScratchFile | null,
  options: Running,
): Promise<Workspace> {
  const values = await readSome(models, outline, held, options);
  const placed = { ...needs, place: placeWaiting(waiting) };
  const workspace = createWorkspace(kernels, { ...outline, values }, placed, sanitize);
  if (file === null) return workspace;
  const { kept, running } = workspace;
  const { sides } = outline;
  const room = createFileRoom(file);
  return {
    ...workspace,
    // What nothing is kept of is computed afresh at each visit.
    kept: kept.shared ? kept : waitingMatrices(kernels, kept, waiting.kept, sides, room),
    running: needs.jointly ? waitingMatrices(kernels, running, waiting.running, sides, room) : running,
  };
}
