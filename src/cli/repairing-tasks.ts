/** `merge --repair per-task`: a side file for the task of A and one for that of B, beside one merged model. */

import { basename, resolve } from "node:path";
import type { Model } from "../base/model.ts";
import { visible } from "../base/visible.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import type { AlignedPair } from "../perm/pair.ts";
import { type CommandContext, type OptionRule, UsageError } from "./command.ts";
import { placesOption, REPAIR_OPTIONS, repairImages } from "./repairing.ts";

/** `--repair` of `merge`, which can also leave the merge as it is and write side files. */
export const MERGE_REPAIR_OPTIONS: Readonly<Record<string, OptionRule>> = {
  ...REPAIR_OPTIONS,
  repair: {
    ...REPAIR_OPTIONS.repair!,
    help: `${REPAIR_OPTIONS.repair!.help}; per-task leaves the merge as it is and writes scales and shifts for A's task and for B's beside it, for rebasin apply`,
    choices: [...REPAIR_OPTIONS.repair!.choices!, "per-task"],
  },
  "data-b": { value: "DIR", help: "per-task: images of B's task; --data has those of A's", group: "repair" },
};

/** What one side file holds, and where it goes. */
export interface TaskSide {
  readonly task: string;
  readonly file: string;
  /** Images looked at, and values scaled and shifted. */
  readonly images: number;
  readonly places: number;
  readonly model: Model;
}

export interface TaskPlan {
  /** Where the side files go: of A, of B. */
  readonly files: readonly [string, string];
  /** Scales and shifts of the merge for both tasks. */
  find(merged: Model, pair: AlignedPair): Promise<TaskSide[]>;
}

/** What `--repair per-task` asks for; undefined without it. Throws `UsageError` where options are missing or of no use. */
export function planTasks(context: CommandContext, output: string): TaskPlan | undefined {
  const { values, signal, onProgress } = context;
  if (values.get("repair") !== "per-task") {
    if (values.has("data-b")) throw new UsageError("--data-b is for --repair per-task, expected no --data-b");
    return undefined;
  }
  for (const option of ["ridge", "temperature"])
    if (values.has(option) || context.flags.has(option))
      throw new UsageError(`--${option} is for --repair least-squares, expected no --${option}`);
  for (const option of ["data", "data-b"])
    if (!values.has(option)) throw new UsageError(`--repair per-task has no --${option}, expected --${option} DIR`);
  const stem = output.replace(/\.safetensors$/, "");
  const files = [`${stem}.task-a.safetensors`, `${stem}.task-b.safetensors`] as const;
  const places = placesOption(context);
  const sources = [repairImages(context, "data"), repairImages(context, "data-b")];
  const tasks = ["data", "data-b"].map((option) => basename(resolve(values.get(option)!)));
  return {
    files,
    async find(merged, { a, b, spec, permutations }) {
      const { taskAffine } = await import("../repair/task-affine.ts");
      const sides: TaskSide[] = [];
      for (const [i, expert] of [a, await applyPermutations(b, spec, permutations)].entries()) {
        const task = tasks[i]!;
        const { read, check } = sources[i]!;
        await check([[a, b][i]!]);
        const data = await read();
        const model = await taskAffine(merged, expert, data, { task, ...places, signal, onProgress });
        sides.push({ task, file: files[i]!, images: data.count, places: model.tensors.size / 2, model });
      }
      return sides;
    },
  };
}

/** One line for each side file. */
export function taskLines(sides: readonly TaskSide[]): string[] {
  return sides.map(({ task, file, images, places }, i) =>
    visible(`task ${"ab"[i]}     ${file}: ${places} places, ${images} images of ${task}`),
  );
}
