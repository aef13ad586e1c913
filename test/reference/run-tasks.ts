/** Random images for small networks, and what plain loops make of them. */

import { createRng } from "../../src/base/rng.ts";
import { createDataset } from "../../src/data/create-dataset.ts";
import type { Dataset } from "../../src/data/dataset.ts";

/** Grey images of side × side and what a network answers, each by itself. */
export interface Task {
  readonly data: Dataset;
  /** One row for each image. */
  readonly logits: readonly Float64Array[];
  readonly loss: number;
  readonly accuracy: number;
}

/** Loss and accuracy from logits, by the definition. */
export function lossAndAccuracy(
  logits: readonly Float64Array[],
  labels: Uint8Array,
): { loss: number; accuracy: number } {
  let loss = 0;
  let right = 0;
  logits.forEach((row, i) => {
    const exponentials = row.map(Math.exp);
    loss -= Math.log(exponentials[labels[i]!]! / exponentials.reduce((a, b) => a + b));
    if (row.indexOf(Math.max(...row)) === labels[i]) right++;
  });
  return { loss: loss / logits.length, accuracy: right / logits.length };
}

/** `count` random images with random labels below `classes`. */
export function randomTask(
  network: { readonly side: number; logits(pixels: ArrayLike<number>): Float64Array },
  count: number,
  classes: number,
): Task {
  const rng = createRng(5);
  const area = network.side ** 2;
  const pixels = Float32Array.from({ length: count * area }, () => rng.uniform());
  const labels = Uint8Array.from({ length: count }, () => rng.below(classes));
  const logits = Array.from({ length: count }, (_, i) => network.logits(pixels.subarray(i * area, (i + 1) * area)));
  const data = createDataset({
    name: "random",
    height: network.side,
    width: network.side,
    channels: 1,
    pixels,
    labels,
    classes,
  });
  return { data, logits, ...lossAndAccuracy(logits, labels) };
}
