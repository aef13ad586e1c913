/** What a matching reports of its work: the bytes that it reads, and the multiplications inside a sweep or step. */

import type { OnProgress, Progress } from "../base/progress.ts";
import { byBytes } from "../base/progress-by-work.ts";
import type { CostEngine } from "./costs/engine.ts";
import { dimsCount } from "./costs/offsets.ts";
import { bytesOf, type Outline } from "./costs/problem.ts";
import type { Workspace } from "./costs/workspace.ts";

/** Multiply-adds of all cost matrices once: those of a sweep or step in which everything moves. */
export function multiplications({ permutations, occurrences }: Outline): number {
  let sum = 0;
  for (const [p, { size }] of permutations.entries())
    for (const { cell } of occurrences[p]!) sum += size * dimsCount(cell.dims);
  return sum;
}

/** Of the voting tensors of both models. */
export const readProgress = (onProgress: OnProgress, { tensors }: Outline): OnProgress | undefined =>
  byBytes(
    onProgress,
    tensors.map((tensor) => 2 * bytesOf(tensor)),
  );

/** The workspace reports every product; what solvers report goes through `onProgress`. */
export function watchWork(
  workspace: Workspace,
  onProgress: OnProgress,
  jointly: boolean,
): { workspace: Workspace; onProgress: OnProgress } {
  const total = multiplications(workspace.problem);
  let last: Pick<Progress, "stage" | "done"> = { stage: jointly ? "frank-wolfe" : "coordinate", done: 0 };
  let done = 0;
  const report = (progress: Progress): void => {
    last = { stage: progress.stage, done: progress.done };
    done = 0;
    onProgress(progress);
  };
  const engine: CostEngine = {
    async accumulate(c, n, k, operands, pause) {
      await workspace.engine.accumulate(c, n, k, operands, pause);
      done = Math.min(done + n * n * k, total);
      onProgress({ ...last, work: { done, total, unit: "multiplications" } });
    },
  };
  return { workspace: { ...workspace, engine }, onProgress: report };
}
