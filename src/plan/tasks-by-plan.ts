/** `repair: { kind: "per-task" }`: scales and shifts for the task of A and for that of B, beside one merged model. */

import type { Model } from "../base/model.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import type { AlignedPair } from "../perm/pair.ts";
import type { PlanSetting } from "./plan-host.ts";
import { taskFiles } from "./plan-paths.ts";
import { repairImages } from "./repair-by-plan.ts";

/** What one side file holds, and where it goes. */
export interface TaskFile {
  readonly task: string;
  readonly file: string;
  /** Images looked at, and values scaled and shifted. */
  readonly images: number;
  readonly places: number;
  readonly model: Model;
}

/** What finds scales and shifts of a merge for both tasks; undefined where the plan has none. */
export function plannedTasks(
  setting: PlanSetting,
): ((merged: Model, pair: AlignedPair) => Promise<TaskFile[]>) | undefined {
  const { plan, run } = setting;
  const { repair, data, output } = plan;
  if (repair?.kind !== "per-task") return undefined;
  const { at, addBias, tasks } = repair;
  const { signal, onProgress, executor } = run;
  const files = taskFiles(output?.path ?? "");
  const sources = [data!, repair.dataB!];
  return async (merged, { a, b, spec, permutations }) => {
    const { taskAffine } = await import("../repair/task-affine.ts");
    const sides: TaskFile[] = [];
    for (const [i, expert] of [a, await applyPermutations(b, spec, permutations)].entries()) {
      const task = tasks?.[i] ?? lastWord(sources[i]!.path);
      const { read, check } = repairImages(setting, sources[i]!, repair);
      await check([[a, b][i]!]);
      const images = await read();
      const model = await taskAffine(merged, expert, images, { task, at, addBias, signal, onProgress, executor });
      sides.push({ task, file: files[i]!, images: images.count, places: model.tensors.size / 2, model });
    }
    return sides;
  };
}

const lastWord = (path: string): string => path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;
