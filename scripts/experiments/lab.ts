/** What experiments share: settings, images, trained models, notes on stderr. */

import type { Model } from "../../src/base/model.ts";
import type { OnProgress } from "../../src/base/progress.ts";
import { averagePoolTo } from "../../src/data/average-pool.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { firstImages } from "../../src/data/select.ts";
import type { MlpArchitecture } from "../../src/families/initialise.ts";
import { readDataFolder } from "../../src/node/data-folder.ts";
import { type Recipe, trainKept } from "./train-kept.ts";

export interface LabOptions {
  /** A folder of images; experiments that make their own data leave it out. */
  readonly data?: string;
  /** Where results go, and trained models in `models`. */
  readonly out: string;
  readonly quick: boolean;
  readonly seed: number;
  /** Images of each split at most. */
  readonly limit?: number;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
  note(text: string): void;
}

export interface Images {
  readonly train: Dataset;
  readonly test: Dataset;
}

export interface Lab extends LabOptions {
  /** Both splits; with `quick` fewer images, of half the size. Read once. */
  images(): Promise<Images>;
  trained(recipe: Recipe): Promise<Model>;
  /** The model after each of `epochs`. */
  snapshots(recipe: Recipe, epochs: readonly number[]): Promise<Map<number, Model>>;
}

const QUICK_IMAGES = { train: 10_000, test: 5_000 };

export function createLab(options: LabOptions): Lab {
  let images: Promise<Images> | undefined;
  const keeping = { ...options, folder: `${options.out}/models` };
  const snapshots: Lab["snapshots"] = (recipe, epochs) => trainKept(recipe, epochs, keeping);
  return {
    ...options,
    images: () => (images ??= readImages(options)),
    snapshots,
    trained: async (recipe) => (await snapshots(recipe, [recipe.epochs])).get(recipe.epochs)!,
  };
}

async function readImages({ data, quick, limit, signal }: LabOptions): Promise<Images> {
  if (data === undefined) throw new TypeError("no folder of images, expected --data DIR");
  const read = async (split: "train" | "test"): Promise<Dataset> => {
    const most = Math.min(limit ?? Number.POSITIVE_INFINITY, quick ? QUICK_IMAGES[split] : Number.POSITIVE_INFINITY);
    const all = await readDataFolder(data, { split, signal });
    const some = most < all.count ? firstImages(all, most) : all;
    const half = some.height / 2;
    return quick && some.height === some.width && Number.isInteger(half) ? averagePoolTo(some, half) : some;
  };
  return { train: await read("train"), test: await read("test") };
}

/** A perceptron of `hidden` equal widths for these images. */
export function mlpFor({ height, width, channels, classes }: Dataset, units: number, hidden: number): MlpArchitecture {
  return { family: "mlp", widths: [height * width * channels, ...Array<number>(hidden).fill(units), classes] };
}

/** How every perceptron here is trained: Adam at 0.001, as in the paper. */
export function mlpRecipe(
  lab: Pick<Lab, "quick" | "seed">,
  data: Dataset,
  {
    label,
    offset,
    units,
    hidden,
    epochs,
  }: { label: string; offset: number; units: number; hidden: number; epochs: number },
): Recipe {
  const architecture = mlpFor(data, units, hidden);
  const training = { epochs, batch: lab.quick ? 100 : 500, optimizer: "adam", learningRate: 1e-3 } as const;
  return { label, architecture, data, seed: lab.seed + offset, ...training };
}

/** Sizes of the perceptrons of interpolation, contour and split data. The paper: 3×512, 100 epochs. */
export function usualSizes({ quick }: Pick<Lab, "quick">): { units: number; hidden: number; epochs: number } {
  return quick ? { units: 256, hidden: 2, epochs: 8 } : { units: 512, hidden: 3, epochs: 25 };
}

/** What the page says of the data. */
export function describeImages({ train, test }: Images): Record<string, string> {
  const say = ({ count, height, width, channels }: Dataset): string =>
    `${count.toLocaleString("en")} images of ${height}×${width}×${channels}`;
  return { "training images": say(train), "test images": say(test) };
}
