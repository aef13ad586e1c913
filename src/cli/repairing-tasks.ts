/** `merge --repair per-task`: a side file for the task of A and one for that of B, beside one merged model. */

import { basename, resolve } from "node:path";
import type { Model } from "../base/model.ts";
import { visible } from "../base/visible.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import type { AlignedPair } from "../perm/pair.ts";
import type { RepairKind } from "../repair/report.ts";
import type { CommandContext } from "./command.ts";
import { type DataSourceValues, dataFolder } from "./image-data.ts";
import { choice, type Options, text } from "./option.ts";
import {
  placesOption,
  REPAIR_HELP,
  REPAIR_KINDS,
  REPAIR_OPTIONS,
  type RepairingValues,
  repairImages,
} from "./repairing.ts";

/** `--repair` of `merge`, which can also leave the merge as it is and write side files. */
export interface MergeRepairValues extends RepairingValues {
  readonly repair: RepairKind | "per-task" | undefined;
  readonly "data-b": string | undefined;
}

export const MERGE_REPAIR_OPTIONS: Options<MergeRepairValues> = {
  ...REPAIR_OPTIONS,
  repair: choice([...REPAIR_KINDS, "per-task"], {
    value: "KIND",
    help: `${REPAIR_HELP}; per-task leaves the merge as it is and writes scales and shifts for A's task and for B's beside it, for rebasin apply`,
    group: "repair",
    needs: { data: true, "data-b": ["per-task"] },
  }),
  "data-b": text({
    value: "DIR",
    help: "images of B's task; --data has those of A's",
    group: "repair",
    for: { repair: ["per-task"] },
  }),
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

/** What `--repair per-task` asks for, with the images of A's task and of B's. */
export function planTasks(
  context: CommandContext<RepairingValues & DataSourceValues>,
  output: string,
  folderOfB: string,
): TaskPlan {
  const { signal, onProgress } = context;
  const folders = [dataFolder(context), folderOfB];
  const stem = output.replace(/\.safetensors$/, "");
  const files = [`${stem}.task-a.safetensors`, `${stem}.task-b.safetensors`] as const;
  const places = placesOption(context);
  const sources = folders.map((folder) => repairImages(context, folder));
  const tasks = folders.map((folder) => basename(resolve(folder)));
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
