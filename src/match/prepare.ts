/** Memory and voting tensors of a matching, before anything is computed. */

import type { Running } from "../base/options.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { areasEnd, type Needs } from "./costs/areas.ts";
import { bytesOf, type Outline, readProblem } from "./costs/problem.ts";
import { createWorkspace } from "./costs/workspace.ts";
import type { MatchedModels, Prepared } from "./prepared.ts";

/** Matchings that take no more are not asked what the machine has. */
const SMALL_BYTES = 2 ** 29;

/**
 * Takes all the wasm memory at once, so that a matching that cannot be done fails before it reads, with the number of
 * bytes; then reads. Throws `RangeError` where it does not fit in `memory` bytes, even with the least in memory.
 */
export async function prepare(
  models: MatchedModels,
  kernels: Kernels,
  outline: Outline,
  needs: Needs,
  sanitize: boolean,
  options: Running & { readonly memory?: number | undefined },
): Promise<Prepared> {
  const { onProgress } = options;
  if (onProgress === undefined) return prepareSilently(models, kernels, outline, needs, sanitize, options);
  const { readProgress, watchWork } = await import("./watch-work.ts");
  const how = { ...options, onProgress: readProgress(onProgress, outline) };
  const prepared = await prepareSilently(models, kernels, outline, needs, sanitize, how);
  return { ...prepared, ...watchWork(prepared.workspace, onProgress, needs.jointly) };
}

async function prepareSilently(
  models: MatchedModels,
  kernels: Kernels,
  outline: Outline,
  needs: Needs,
  sanitize: boolean,
  options: Running & { readonly memory?: number | undefined },
): Promise<Prepared> {
  const memoryBytes = areasEnd(kernels, outline, needs);
  const all = outline.tensors.reduce((sum, tensor) => sum + 2 * bytesOf(tensor), memoryBytes);
  if (options.memory !== undefined || all > SMALL_BYTES) {
    const { prepareBounded } = await import("./bounded/prepare-bounded.ts");
    const bounded = await prepareBounded(models, kernels, outline, needs, sanitize, options);
    if (bounded !== null) return bounded;
  }
  kernels.arena.reserve(memoryBytes);
  const problem = await readProblem(models.a, models.b, outline, options);
  const workspace = createWorkspace(kernels, problem, needs, sanitize);
  return { workspace, memoryBytes, end: () => undefined };
}
