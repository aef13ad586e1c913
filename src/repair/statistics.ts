/** Statistics of a network's channels on data. */

import type { Dataset } from "../data/dataset.ts";
import type { Graph } from "../graph/graph.ts";
import { type BatchOptions, eachBatch } from "../run/tfjs/image-batches.ts";
import type { Network } from "../run/tfjs/network.ts";
import { expiriesOf, runGraph } from "../run/tfjs/run-graph.ts";
import { type ChannelStatistics, channelSums } from "./channel-statistics.ts";

/** Statistics of several values in one pass; what comes after the last of them is not computed. */
export async function channelStatistics(
  { name, graph, variables }: Network,
  data: Dataset,
  values: readonly string[],
  options: BatchOptions,
): Promise<Map<string, ChannelStatistics>> {
  const sums = new Map(values.map((value) => [value, channelSums(`${name} at ${value}`)]));
  const part = graphUpTo(graph, new Set(values));
  const expiries = expiriesOf(part);
  const keep = new Set(values);
  await eachBatch(data, options, (images) => {
    const outputs = runGraph(part, expiries, images, keep, (tensor) => variables.get(tensor)!);
    for (const [value, tensor] of outputs.values) sums.get(value)!.add(tensor);
  });
  return new Map([...sums].map(([value, each]) => [value, each.finish()]));
}

/** The operations that some of `values` need. */
function graphUpTo({ operations }: Graph, values: ReadonlySet<string>): Graph {
  const last = operations.findLastIndex(({ output }) => values.has(output));
  const needed = new Set(values);
  const kept = operations
    .slice(0, last + 1)
    .reverse()
    .filter(({ output, inputs }) => {
      if (!needed.has(output)) return false;
      for (const input of inputs) needed.add(input);
      return true;
    });
  return { operations: kept.reverse(), output: operations[last]!.output };
}
