/** Data sets in folders. What reads them loads with the first one: programs without images never need it. */

import type { Dataset } from "../data/dataset.ts";
import type { DataFolderOptions, Split } from "./read-data-folder.ts";

export type { DataFolderOptions, Split };

/**
 * Reads one split of the data set in a folder: IDX under MNIST's usual names (gzipped or not), CIFAR-10 or CIFAR-100 in
 * binary form, `train.npz` / `test.npz` (arrays `x` and `y`), or `x_test.npy` and `y_test.npy`. Everything is held in memory,
 * as bytes where the files have bytes.
 *
 * Rejects with `FormatError` for a folder without such files (saying where to get them) or with several kinds of them, and
 * for files that are broken; with `RangeError` for a size that the images cannot be pooled to.
 *
 * @example
 * const data = await readDataFolder("data/fashion-mnist", { split: "test", limit: 1000 });
 */
export async function readDataFolder(path: string, options: DataFolderOptions): Promise<Dataset> {
  const { readFolder } = await import("./read-data-folder.ts");
  return readFolder(path, options);
}
