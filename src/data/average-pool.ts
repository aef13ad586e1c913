/** Smaller images: means of squares. */

import type { Dataset } from "./dataset.ts";

/**
 * The data set with images of `side`×`side`, each value the mean of a rectangle of the original. A view: it reads from
 * `dataset`; the data set itself where nothing changes.
 *
 * @throws {RangeError} naming sides that fit, where `side` does not divide both sides of the images.
 *
 * @example
 * const small = averagePoolTo(data, 14); // 28×28 → 14×14
 */
export function averagePoolTo(dataset: Dataset, side: number): Dataset {
  const { name, height, width, channels } = dataset;
  if (!Number.isSafeInteger(side) || side < 1)
    throw new RangeError(`${name} pooled to side ${side}, expected a positive integer`);
  if (height === side && width === side) return dataset;
  if (height % side !== 0 || width % side !== 0) {
    const fitting = Array.from({ length: Math.min(height, width) }, (_, i) => i + 1)
      .filter((candidate) => height % candidate === 0 && width % candidate === 0)
      .reverse();
    throw new RangeError(
      `${name} has images of ${height}×${width}, expected sides that ${side} divides (these can be pooled to ${fitting.join(", ")})`,
    );
  }
  return {
    ...dataset,
    height: side,
    width: side,
    read: (start, end) => pool(dataset.read(start, end), { count: end - start, height, width, channels, side }),
  };
}

function pool(
  values: Float32Array,
  { count, height, width, channels, side }: Record<"count" | "height" | "width" | "channels" | "side", number>,
): Float32Array<ArrayBuffer> {
  const [tall, wide] = [height / side, width / side];
  const pooled = new Float32Array(count * side * side * channels);
  const sums = new Float64Array(channels);
  let out = 0;
  for (let image = 0; image < count; image++) {
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        sums.fill(0);
        for (let row = 0; row < tall; row++) {
          let at = ((image * height + y * tall + row) * width + x * wide) * channels;
          for (let column = 0; column < wide; column++) for (let c = 0; c < channels; c++) sums[c]! += values[at++]!;
        }
        for (let c = 0; c < channels; c++) pooled[out++] = sums[c]! / (tall * wide);
      }
    }
  }
  return pooled;
}
