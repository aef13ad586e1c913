/** Options that name a data set, and reading it. */

import type { Dataset } from "../data/dataset.ts";
import type { Activation } from "../graph/graph.ts";
import { readDataFolder, type Split } from "../node/data-folder.ts";
import type { CommandContext } from "./command.ts";
import { choice, inGroup, integer, number, numbers, type Option, type Options, text, UsageError } from "./option.ts";

export interface DataSourceValues {
  readonly data: string | undefined;
  readonly "input-size": number | undefined;
  readonly scale: number | undefined;
  readonly mean: readonly number[] | undefined;
  readonly std: readonly number[] | undefined;
  readonly activation: Activation | undefined;
  readonly input: string | undefined;
  readonly layout: "nchw" | "nhwc" | undefined;
  readonly classes: number | undefined;
}

export interface DataValues extends DataSourceValues {
  readonly limit: number | undefined;
}

/** What is taken from pixel values, and what they are divided by. */
const OF_CHANNELS = "one a channel: 0.5 or 0.49,0.48,0.45";

/** Where images come from, and how they are read. */
export const DATA_SOURCE_OPTIONS: Options<DataSourceValues> = inGroup("images", {
  data: text({
    value: "DIR",
    help: "folder of labelled images: MNIST's IDX files (or .gz), CIFAR-10 or -100 binary, or train.npz / test.npz",
  }),
  "input-size": integer({
    value: "SIDE",
    help: "average-pool the images to SIDE×SIDE, as the network was trained on",
    min: 1,
  }),
  scale: number({
    value: "X",
    help: "divisor of the pixel values",
    defaultText: "255 for bytes, else 1",
    min: Number.MIN_VALUE,
    max: Number.MAX_SAFE_INTEGER,
  }),
  mean: numbers({ value: "X,…", help: "subtracted after that: numbers by commas, one a channel" }, OF_CHANNELS),
  std: numbers({ value: "X,…", help: "divisor after that: numbers by commas, one a channel" }, OF_CHANNELS),
  activation: choice(["relu", "gelu", "tanh", "silu"], {
    value: "NAME",
    help: "function after convolutions and matrices, which no tensor shows",
    defaultText: "relu",
  }),
  input: text({
    value: "NAME",
    help: "input of an ONNX network that takes the images",
    defaultText: "the one 4-D float input",
    needs: { data: true },
  }),
  layout: choice(["nchw", "nhwc"], {
    value: "ORDER",
    help: "order of that input's axes: channels before positions, or after them",
    defaultText: "by their sizes",
    needs: { data: true },
  }),
  classes: integer({ value: "N", help: "number of classes, where no image has the last label", min: 1 }),
});

/** For every command that takes images. */
export const DATA_OPTIONS: Options<DataValues> = {
  ...DATA_SOURCE_OPTIONS,
  limit: integer({
    value: "N",
    help: "only the first N images of each split",
    defaultText: "all",
    group: "images",
    min: 1,
  }),
};

/** Of commands that run models on images. */
export const BATCH_OPTION: Option<number> = integer({
  value: "N",
  help: "images at a time",
  default: 250,
  group: "images",
  min: 1,
  max: 1e6,
});

/** The folder of `--data`. Throws `UsageError` without it. */
export function dataFolder({ options }: CommandContext<Pick<DataSourceValues, "data">>): string {
  if (options.data === undefined) throw new UsageError("the command line has no --data, expected --data DIR");
  return options.data;
}

/** One split of the data set that the options name, or of `folder` read as they ask. */
export async function readSplit(
  context: CommandContext<DataSourceValues & Partial<Pick<DataValues, "limit">>>,
  split: Split,
  folder: string = dataFolder(context),
): Promise<Dataset> {
  const { mean, std, limit, scale, classes, "input-size": inputSize } = context.options;
  const { signal } = context;
  const data = await readDataFolder(folder, { split, mean, std, limit, inputSize, scale, signal });
  return withClasses(data, classes);
}

function withClasses(data: Dataset, classes: number | undefined): Dataset {
  if (classes === undefined) return data;
  const highest = data.labels.reduce((a, b) => Math.max(a, b), 0);
  if (highest >= classes)
    throw new RangeError(`${data.name} has label ${highest}, expected less than --classes ${classes}`);
  return { ...data, classes, read: (start, end) => data.read(start, end) };
}

/** `--split` of commands that look at one split. */
export function splitOption(byDefault: Split): Option<Split> {
  return choice(["test", "train"], { value: "SPLIT", help: "which images", default: byDefault, group: "images" });
}
