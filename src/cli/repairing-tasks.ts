/** `merge --repair per-task`: its options, and what it prints. */

import { visible } from "../base/visible.ts";
import type { PlanResult } from "../plan/run-plan.ts";
import type { RepairKind } from "../repair/report.ts";
import { choice, type Options, text } from "./option.ts";
import { REPAIR_HELP, REPAIR_KINDS, REPAIR_OPTIONS, type RepairingValues } from "./repairing.ts";

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

/** One line for each side file. */
export function taskLines(sides: NonNullable<PlanResult["tasks"]>): string[] {
  return sides.map(({ task, file, images, places }, i) =>
    visible(`task ${"ab"[i]}     ${file}: ${places} places, ${images} images of ${task}`),
  );
}
