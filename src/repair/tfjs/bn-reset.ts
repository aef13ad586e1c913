/**
 * BatchNorm's running statistics, recomputed: those of a merge are between two networks' and fit neither (REPAIR,
 * Jordan et al. 2023).
 */

import * as tf from "@tensorflow/tfjs-core";
import type { Dataset } from "../../data/dataset.ts";
import type { BatchOptions } from "../../run/image-batches.ts";
import { eachBatch } from "../../run/tfjs/image-batches.ts";
import type { TfNetwork } from "../../run/tfjs/network.ts";
import type { BatchNorm } from "../../run/tfjs/operations.ts";
import { prepareGraph, runGraph } from "../../run/tfjs/run-graph.ts";
import { setAverages } from "../batch-norms.ts";

/**
 * Replaces the running mean and variance of every BatchNorm by the simple average, over batches, of each batch's mean
 * and unbiased variance in training mode, as PyTorch does with `momentum=None`.
 */
export async function resetStatistics(network: TfNetwork, data: Dataset, options: BatchOptions): Promise<void> {
  const { graph, variables, name } = network;
  const sums = new Map<string, Float64Array>();
  const add = (tensor: string, value: tf.Tensor): void => {
    const sum = sums.get(tensor) ?? new Float64Array(value.size);
    value.dataSync<"float32">().forEach((each, i) => {
      sum[i]! += each;
    });
    sums.set(tensor, sum);
  };
  const observe = (kind: BatchNorm, mean: tf.Tensor, variance: tf.Tensor): void => {
    add(kind.mean, mean);
    add(kind.variance, variance);
  };
  const prepared = prepareGraph(graph);
  let batches = 0;
  await eachBatch(data, options, (images) => {
    runGraph(prepared, images, { tensor: (tensor) => variables.get(tensor)!, observe });
    batches++;
  });
  setAverages(name, sums, batches, (tensor, values) => {
    tf.tidy(() => variables.get(tensor)!.assign(tf.tensor1d(values)));
  });
}
