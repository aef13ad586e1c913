/** Data sets in folders. What reads them loads with the first one: programs without images never need it. */

import type { Dataset } from "../data/dataset.ts";
import type { DataFolderOptions, Split } from "./read-data-folder.ts";

export type { DataFolderOptions, Split };

/**
 * Reads one split of the data set in a folder. It knows IDX under MNIST's usual names (gzipped or not), binary CIFAR-10
 * and CIFAR-100, `train.npz` / `test.npz` (arrays `x` and `y`), and `x_test.npy` with `y_test.npy`. Everything is held
 * in memory, as bytes where the files have bytes.
 *
 * @throws {FormatError} for a folder without such files (naming where to get them) or with several kinds of them, and
 * for broken files.
 * @throws {RangeError} for a size that the images cannot be pooled to.
 *
 * @example
 * const data = await readDataFolder("data/fashion-mnist", { split: "test", limit: 1000 });
 */
export async function readDataFolder(path: string, options: DataFolderOptions): Promise<Dataset> {
  const { readFolder } = await import("./read-data-folder.ts");
  return readFolder(path, options);
}
