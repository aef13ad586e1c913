/** Images in batches, on TensorFlow.js's backend. */

import * as tf from "@tensorflow/tfjs-core";
import type { Dataset } from "../../data/dataset.ts";
import { type BatchOptions, eachImages } from "../image-batches.ts";

/** As `eachImages`, with each batch as a tensor and in a tidy. */
export async function eachBatch(
  data: Dataset,
  options: BatchOptions,
  use: (images: tf.Tensor4D, start: number) => void,
): Promise<void> {
  await eachImages(data, options, ({ data: pixels, shape }, start) => {
    tf.tidy(() => use(tf.tensor4d(pixels, shape as [number, number, number, number]), start));
  });
}
