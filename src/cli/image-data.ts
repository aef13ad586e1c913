/** Options that name a data set, and reading it. */

import type { Dataset } from "../data/dataset.ts";
import { readDataFolder, type Split } from "../node/data-folder.ts";
import { type CommandContext, inGroup, numberOption, type OptionRule, UsageError } from "./command.ts";

/** Where images come from, and how they are read. */
export const DATA_SOURCE_OPTIONS: Readonly<Record<string, OptionRule>> = inGroup("images", {
  data: {
    value: "DIR",
    help: "folder of labelled images: MNIST's IDX files (or .gz), CIFAR-10 or -100 binary, or train.npz / test.npz",
  },
  "input-size": { value: "SIDE", help: "average-pool the images to SIDE×SIDE, as the network was trained on" },
  scale: { value: "X", help: "what pixel values are divided by; 255 for bytes if not given" },
  mean: { value: "X,…", help: "what is then taken from them: numbers by commas, one a channel" },
  std: { value: "X,…", help: "what they are divided by last: numbers by commas, one a channel" },
  activation: {
    value: "NAME",
    help: "what the networks have after convolutions and matrices, which no tensor tells (default relu)",
    choices: ["relu", "gelu", "tanh", "silu"],
  },
  classes: { value: "N", help: "how many classes there are, where the images do not show the last of them" },
});

/** For every command that takes images. */
export const DATA_OPTIONS: Readonly<Record<string, OptionRule>> = {
  ...DATA_SOURCE_OPTIONS,
  limit: { value: "N", help: "only the first N images of each split; all if not given", group: "images" },
};

/** Of commands that run models on images. */
export const BATCH_OPTION: OptionRule = { value: "N", help: "images at a time", default: "250", group: "images" };

/** One split of the data set that the options name. */
export async function readSplit(context: CommandContext, split: Split): Promise<Dataset> {
  const whole = { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true };
  const data = await readDataFolder(context.values.get("data")!, {
    split,
    mean: numbersOption(context, "mean"),
    std: numbersOption(context, "std"),
    limit: numberOption(context, "limit", whole),
    inputSize: numberOption(context, "input-size", whole),
    scale: numberOption(context, "scale", { min: Number.MIN_VALUE, max: Number.MAX_SAFE_INTEGER, integer: false }),
    signal: context.signal,
  });
  return withClasses(data, numberOption(context, "classes", whole));
}

/** Numbers by commas. */
function numbersOption({ values }: CommandContext, option: string): number[] | undefined {
  const text = values.get(option);
  const numbers = text?.split(",").map((each) => (each.trim() === "" ? Number.NaN : Number(each)));
  if (numbers?.every(Number.isFinite) === false)
    throw new UsageError(`--${option} ${text}, expected numbers by commas, one a channel: 0.5 or 0.49,0.48,0.45`);
  return numbers;
}

function withClasses(data: Dataset, classes: number | undefined): Dataset {
  if (classes === undefined) return data;
  const highest = data.labels.reduce((a, b) => Math.max(a, b), 0);
  if (highest >= classes)
    throw new RangeError(`${data.name} has label ${highest}, expected less than --classes ${classes}`);
  return { ...data, classes, read: (start, end) => data.read(start, end) };
}

export const SPLITS: readonly string[] = ["test", "train", "both"];

/** What `--split` names. */
export function splitsOption(context: CommandContext): readonly Split[] {
  const which = context.values.get("split") as Split | "both";
  return which === "both" ? ["train", "test"] : [which];
}
