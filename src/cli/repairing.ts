/** Options of the repair of merges. */

import { LEAST_SQUARES_IMAGES, REPAIR_IMAGES } from "../plan/repair-by-plan.ts";
import type { RepairAt } from "../repair/places.ts";
import type { RepairKind } from "../repair/report.ts";
import { choice, flag, inGroup, integer, number, type Option, type Options } from "./option.ts";

/** Options on how a merge is repaired, for every list of kinds. */
export interface RepairingValues {
  readonly "repair-images": number | undefined;
  readonly ridge: number;
  readonly "repair-at": RepairAt;
  readonly "add-bias": boolean;
  readonly "force-repair": boolean;
}

export interface RepairValues extends RepairingValues {
  readonly repair: RepairKind | undefined;
}

/** What `--repair` does in every command that has it. */
export const REPAIR_HELP =
  "after merging, by images of --data: solve each convolution and matrix for what the parents put out (least-squares, the best), recompute BatchNorm's statistics, or scale and shift channels";

export const REPAIR_KINDS: readonly RepairKind[] = ["least-squares", "bn-reset", "repair", "rescale", "reshift"];

/** Beside any kind. */
const ANY = { repair: true } as const;

export const REPAIR_OPTIONS: Options<RepairValues> = inGroup("repair", {
  repair: choice(REPAIR_KINDS, { value: "KIND", help: REPAIR_HELP, needs: { data: true } }),
  "repair-images": integer({
    value: "N",
    help: "training images to look at",
    defaultText: `${REPAIR_IMAGES}, ${LEAST_SQUARES_IMAGES} for least-squares`,
    min: 2,
    for: ANY,
  }),
  ridge: number({
    value: "X",
    help: "how strongly the merged tensors are held to, relative to what they read",
    default: 0.01,
    min: 0,
    max: 1e6,
    for: { repair: ["least-squares"] },
  }),
  "repair-at": choice(["linear", "norms", "both"], {
    value: "WHERE",
    help: "after convolutions and matrices, after norms (better with LayerNorm), or both",
    default: "linear",
    for: { repair: ["repair", "rescale", "reshift", "per-task"] },
  }),
  "add-bias": flag({
    help: "convolutions and matrices without bias gain one, to be shifted",
    for: { repair: ["least-squares", "repair", "reshift", "per-task"] },
  }),
  "force-repair": flag({ help: "repair also where a parent does no better than guessing on the images", for: ANY }),
});

/** Of the commands that write a merge. */
export const TEMPERATURE_OPTION: Option<boolean> = flag({
  help: "divide the logits so that they are as sure as the mean of the parents",
  group: "repair",
  for: { repair: ["least-squares"] },
});

/** After a merge without repair; a network with running statistics needs one. */
export function repairHint(hasStatistics: boolean): string {
  return hasStatistics
    ? "hint       it has BatchNorm, whose statistics fit no merge: --repair least-squares --data DIR sets it right (500 images, unlabelled), or bn-reset"
    : "hint       with images at hand, --repair least-squares --data DIR merges better (500, unlabelled)";
}
