/** Options that name a data set, and reading it. */

import type { Dataset } from "../data/dataset.ts";
import { readDataFolder, type Split } from "../node/data-folder.ts";
import { type CommandContext, numberOption, type OptionRule } from "./command.ts";

/** Where images come from, and how they are read. */
export const DATA_SOURCE_OPTIONS: Readonly<Record<string, OptionRule>> = {
  data: {
    value: "DIR",
    help: "folder of labelled images: MNIST's IDX files (or .gz), CIFAR-10 or -100 binary, or train.npz / test.npz",
  },
  "input-size": { value: "SIDE", help: "average-pool the images to SIDE×SIDE, as the network was trained on" },
  scale: { value: "X", help: "what pixel values are divided by; 255 for bytes if not given" },
};

/** For every command that takes images. */
export const DATA_OPTIONS: Readonly<Record<string, OptionRule>> = {
  ...DATA_SOURCE_OPTIONS,
  limit: { value: "N", help: "only the first N images of each split; all if not given" },
};

/** One split of the data set that the options name. */
export async function readSplit(context: CommandContext, split: Split): Promise<Dataset> {
  const whole = { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true };
  return readDataFolder(context.values.get("data")!, {
    split,
    limit: numberOption(context, "limit", whole),
    inputSize: numberOption(context, "input-size", whole),
    scale: numberOption(context, "scale", { min: Number.MIN_VALUE, max: Number.MAX_SAFE_INTEGER, integer: false }),
    signal: context.signal,
  });
}

export const SPLITS: readonly string[] = ["test", "train", "both"];

/** What `--split` names. */
export function splitsOption(context: CommandContext): readonly Split[] {
  const which = context.values.get("split") as Split | "both";
  return which === "both" ? ["train", "test"] : [which];
}
