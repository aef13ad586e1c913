/** CIFAR-10 and CIFAR-100 in their binary form (https://www.cs.toronto.edu/~kriz/cifar.html). */

import { FormatError } from "../base/errors.ts";
import { createDataset, type Normalisation } from "./create-dataset.ts";
import type { Dataset } from "./dataset.ts";
import type { NamedBytes } from "./idx.ts";

const SIDE = 32;
const CHANNELS = 3;
const PLANE = SIDE * SIDE;
const IMAGE = CHANNELS * PLANE;

/** Label bytes before each image; the last of them is the class (CIFAR-100 has the superclass before it). */
const LABELS = { 10: 1, 100: 2 } as const;

/**
 * A data set from CIFAR binary files, one after the other: records of a label (CIFAR-100: two) and three planes of
 * 32×32 bytes. Copies.
 *
 * @throws {FormatError} for a file that is no whole number of records, or a label out of range.
 *
 * @example
 * const test = readCifar([{ name: "test_batch.bin", bytes }], { classes: 10 });
 */
export function readCifar(
  files: readonly NamedBytes[],
  { classes, ...options }: Normalisation & { readonly classes: 10 | 100; readonly name?: string | undefined },
): Dataset {
  const record = LABELS[classes] + IMAGE;
  for (const { name, bytes } of files) {
    if (bytes.length === 0 || bytes.length % record !== 0) {
      throw new FormatError(
        `${name} holds ${bytes.length} bytes, expected a multiple of ${record}, the record of CIFAR-${classes}`,
      );
    }
  }
  const count = files.reduce((sum, { bytes }) => sum + bytes.length / record, 0);
  const pixels = new Uint8Array(count * IMAGE);
  const labels = new Uint8Array(count);
  let image = 0;
  for (const { name, bytes } of files) {
    for (let start = 0; start < bytes.length; start += record, image++) {
      const at = start + LABELS[classes];
      const label = bytes[at - 1]!;
      if (label >= classes)
        throw new FormatError(`${name} label ${label} at byte ${at - 1}, expected less than ${classes}`);
      labels[image] = label;
      for (let c = 0; c < CHANNELS; c++)
        for (let p = 0; p < PLANE; p++) pixels[image * IMAGE + p * CHANNELS + c] = bytes[at + c * PLANE + p]!;
    }
  }
  const name = options.name ?? files[0]?.name ?? `CIFAR-${classes}`;
  return createDataset({ ...options, name, height: SIDE, width: SIDE, channels: CHANNELS, pixels, labels, classes });
}
