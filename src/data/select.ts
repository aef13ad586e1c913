/** Parts of data sets, and data sets in parts. */

import { checkRange } from "./create-dataset.ts";
import type { Dataset } from "./dataset.ts";

/** Values of one image. */
const sizeOf = ({ height, width, channels }: Dataset): number => height * width * channels;

/** Images at `indices`, in that order, as floats. A fresh copy. */
function gather(dataset: Dataset, indices: ArrayLike<number>, start: number, end: number): Float32Array<ArrayBuffer> {
  const size = sizeOf(dataset);
  const images = new Float32Array((end - start) * size);
  for (let i = start; i < end; ) {
    // Neighbours are read at once.
    let next = i + 1;
    while (next < end && indices[next] === indices[next - 1]! + 1) next++;
    const first = indices[i]!;
    images.set(dataset.read(first, first + next - i), (i - start) * size);
    i = next;
  }
  return images;
}

/** Throws `RangeError` for an index outside of the data set. */
function checkIndices({ name, count }: Dataset, indices: ArrayLike<number>): void {
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    if (!Number.isSafeInteger(index) || index < 0 || index >= count)
      throw new RangeError(`${name} index ${index}, expected an integer from 0 to ${count - 1}`);
  }
}

/**
 * The images at `indices`, in that order; an index may come twice. A view: it reads from `dataset`.
 *
 * @throws {RangeError} for an index outside of it.
 *
 * @example
 * const even = subset(data, Int32Array.from({ length: data.count / 2 }, (_, i) => 2 * i));
 */
export function subset(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  checkIndices(dataset, indices);
  const order = Float64Array.from(indices);
  const labels = Uint8Array.from(order, (index) => dataset.labels[index]!);
  return {
    ...dataset,
    count: order.length,
    labels,
    read(start, end) {
      checkRange(dataset.name, order.length, start, end);
      return gather(dataset, order, start, end);
    },
  };
}

/**
 * The first `n` images, or all where there are fewer. A view.
 *
 * @throws {RangeError} unless `n` is a positive integer.
 */
export function firstImages(dataset: Dataset, n: number): Dataset {
  if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`${dataset.name} first ${n} images, expected 1 or more`);
  if (n >= dataset.count) return dataset;
  return {
    ...dataset,
    count: n,
    labels: dataset.labels.subarray(0, n),
    read(start, end) {
      checkRange(dataset.name, n, start, end);
      return dataset.read(start, end);
    },
  };
}

/** Some images of a data set, in order. */
export interface Batch {
  /** Position of its first image in the data set, or in the order. */
  readonly start: number;
  /** `[labels.length, height, width, channels]`. */
  readonly images: Float32Array<ArrayBuffer>;
  readonly labels: Uint8Array;
}

/**
 * The data set in batches of `size`, the last one with what is left; in `order` (positions of images) where that is
 * given.
 *
 * @throws {RangeError} for a size that is no positive integer and for positions outside of the data set.
 *
 * @example
 * const sizes = Array.from(batches(data, 100), ({ labels }) => labels.length); // 100, 100, …
 */
export function batches(
  dataset: Dataset,
  size: number,
  { order }: { readonly order?: ArrayLike<number> | undefined } = {},
): Iterable<Batch> {
  if (!Number.isSafeInteger(size) || size < 1)
    throw new RangeError(`${dataset.name} batch ${size}, expected a positive integer`);
  if (order === undefined) return slices(dataset, size);
  checkIndices(dataset, order);
  return slices(subset(dataset, order), size);
}

function* slices(dataset: Dataset, size: number): Generator<Batch> {
  for (let start = 0; start < dataset.count; start += size) {
    const end = Math.min(start + size, dataset.count);
    yield { start, images: dataset.read(start, end), labels: dataset.labels.slice(start, end) };
  }
}
