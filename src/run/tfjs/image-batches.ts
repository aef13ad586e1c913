/** Images in batches of nearly the same size, on the backend. */

import * as tf from "@tensorflow/tfjs-core";
import { createYielder } from "../../base/progress.ts";
import type { Dataset } from "../../data/dataset.ts";

export interface BatchOptions {
  /** Images at a time, at most. */
  readonly batch: number;
  readonly signal?: AbortSignal | undefined;
  /** After each batch, with the images done so far. */
  readonly onImages?: ((done: number) => void) | undefined;
}

/**
 * Calls `use` in a tidy for one batch after the other, with the position of its first image. Sizes differ by one at most, so that no small batch comes last and
 * counts as much as the others. Throws the reason of an aborted signal.
 */
export async function eachBatch(
  data: Dataset,
  { batch, signal, onImages }: BatchOptions,
  use: (images: tf.Tensor4D, start: number) => void,
): Promise<void> {
  const { count, height, width, channels } = data;
  const giveWay = createYielder(signal);
  const batches = Math.ceil(count / batch);
  for (let i = 0; i < batches; i++) {
    await giveWay();
    const [start, end] = [i, i + 1].map((k) => Math.floor((k * count) / batches)) as [number, number];
    tf.tidy(() => use(tf.tensor4d(data.read(start, end), [end - start, height, width, channels]), start));
    onImages?.(end);
  }
}
