/** Small data sets made up for training: every class has a picture of its own, under noise. */

import { createRng } from "../../src/base/rng.ts";
import { createDataset } from "../../src/data/create-dataset.ts";
import type { Dataset } from "../../src/data/dataset.ts";

/** Bytes: a random picture for each class, mixed half and half with noise. The same for the same arguments. */
export function madeUpImages(
  count: number,
  [height, width, channels]: readonly [number, number, number],
  classes: number,
  seed = 1,
): Dataset {
  const rng = createRng(seed);
  const size = height * width * channels;
  const pictures = Uint8Array.from({ length: classes * size }, () => rng.below(256));
  const labels = Uint8Array.from({ length: count }, (_, i) => i % classes);
  const pixels = new Uint8Array(count * size);
  for (let i = 0; i < pixels.length; i++) {
    const picture = labels[Math.floor(i / size)]! * size;
    pixels[i] = (pictures[picture + (i % size)]! + rng.below(256)) >>> 1;
  }
  return createDataset({ name: "made-up images", height, width, channels, pixels, labels, classes });
}
