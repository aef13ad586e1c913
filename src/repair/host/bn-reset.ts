/** BatchNorm's statistics recomputed on any executor, which knows of no training mode. */

import type { Dataset } from "../../data/dataset.ts";
import type { Graph, Operation, OperationKind } from "../../graph/graph.ts";
import type { Network, Value } from "../../run/executor.ts";
import { type BatchOptions, eachImages } from "../../run/image-batches.ts";
import { setAverages } from "../batch-norms.ts";
import type { HostTensors } from "./tensors.ts";

type BatchNorm = Extract<OperationKind, { op: "batch-norm" }>;

interface Reset {
  readonly name: string;
  readonly graph: Graph;
  readonly network: Network;
  readonly host: HostTensors;
}

/**
 * Sets the running statistics of `host` to the average, over batches, of each batch's. For every batch the norms are
 * set to its statistics one after the other, each measured behind the ones before it: as many runs as there are norms.
 */
export async function resetOnHost(
  { name, graph, network, host }: Reset,
  data: Dataset,
  options: BatchOptions,
): Promise<void> {
  const norms = graph.operations.filter(
    (each): each is Operation & { kind: BatchNorm } => each.kind.op === "batch-norm",
  );
  const sums = new Map<string, Float64Array>();
  const add = (tensor: string, values: Float64Array): void => {
    const sum = sums.get(tensor) ?? new Float64Array(values.length);
    values.forEach((each, i) => {
      sum[i]! += Math.fround(each);
    });
    sums.set(tensor, sum);
  };
  let batches = 0;
  await eachImages(data, options, async (images) => {
    const inputs = new Map([["input", images]]);
    for (const {
      inputs: [read],
      kind,
    } of norms) {
      const value = read === "input" ? images : (await network.run(inputs, new Set([read!]))).get(read!)!;
      const { mean, variance, count } = channelMoments(value);
      if (count < 2)
        throw new RangeError(`${kind.mean} is updated from ${count} value a channel, expected at least two`);
      add(kind.mean, mean);
      add(
        kind.variance,
        variance.map((each) => (each * count) / (count - 1)),
      );
      host.floats.get(kind.mean)!.set(mean);
      host.floats.get(kind.variance)!.set(variance);
      await network.load(host.forExecutor());
    }
    batches++;
  });
  setAverages(name, sums, batches, (tensor, values) => host.floats.get(tensor)!.set(values));
}

/** Mean and biased variance of each channel over the images and positions of a batch, and how many values these are. */
function channelMoments({ data, shape }: Value): { mean: Float64Array; variance: Float64Array; count: number } {
  const channels = shape.at(-1)!;
  const count = data.length / channels;
  const [mean, variance] = [new Float64Array(channels), new Float64Array(channels)];
  for (let at = 0; at < data.length; at++) mean[at % channels]! += data[at]! / count;
  for (let at = 0; at < data.length; at++) variance[at % channels]! += (data[at]! - mean[at % channels]!) ** 2 / count;
  return { mean, variance, count };
}
