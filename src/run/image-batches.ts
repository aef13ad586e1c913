/** Images in batches of nearly the same size. */

import { createYielder } from "../base/progress.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Value } from "./executor.ts";

/** How images are cut into batches. */
export interface BatchOptions {
  /** Images at a time, at most. */
  readonly batch: number;
  readonly signal?: AbortSignal | undefined;
  /** After each batch, with the images done so far. */
  readonly onImages?: ((done: number) => void) | undefined;
}

/**
 * Calls `use` for one batch after the other, with the position of its first image, and waits for it. Sizes differ by
 * one at most, so that no small batch comes last and counts as much as the others. Throws the reason of an aborted
 * signal.
 */
export async function eachImages(
  data: Dataset,
  { batch, signal, onImages }: BatchOptions,
  use: (images: Value, start: number) => Promise<void> | void,
): Promise<void> {
  const { count, height, width, channels } = data;
  const giveWay = createYielder(signal);
  const batches = Math.ceil(count / batch);
  for (let i = 0; i < batches; i++) {
    await giveWay();
    const [start, end] = [i, i + 1].map((k) => Math.floor((k * count) / batches)) as [number, number];
    await use({ shape: [end - start, height, width, channels], data: data.read(start, end) }, start);
    onImages?.(end);
  }
}
