/** Statistics of a network's channels on data. */

import type { Dataset } from "../../data/dataset.ts";
import { graphUpTo } from "../../graph/graph-up-to.ts";
import type { BatchOptions } from "../../run/image-batches.ts";
import { downloaded } from "../../run/tfjs/executor.ts";
import { eachBatch } from "../../run/tfjs/image-batches.ts";
import type { TfNetwork } from "../../run/tfjs/network.ts";
import { prepareGraph, runGraph } from "../../run/tfjs/run-graph.ts";
import { type ChannelStatistics, channelSums } from "../channel-statistics.ts";

/** Statistics of several values in one pass; what comes after the last of them is not computed. */
export async function channelStatistics(
  { name, graph, variables }: TfNetwork,
  data: Dataset,
  values: readonly string[],
  options: BatchOptions,
): Promise<Map<string, ChannelStatistics>> {
  const sums = new Map(values.map((value) => [value, channelSums(`${name} at ${value}`)]));
  const keep = new Set(values);
  const part = prepareGraph(graphUpTo(graph, keep));
  await eachBatch(data, options, (images) => {
    const outputs = runGraph(part, images, { keep, tensor: (tensor) => variables.get(tensor)! });
    for (const [value, tensor] of outputs.values) sums.get(value)!.add(downloaded(tensor));
  });
  return new Map([...sums].map(([value, each]) => [value, each.finish()]));
}
