/**
 * Repair on any executor: tensors are changed here and loaded again, and every measurement runs the network from its
 * images. Slower than on TensorFlow.js, the same in effect.
 */

import type { Model } from "../../base/model.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { Graph } from "../../graph/graph.ts";
import type { Executor, Network, RunningModel } from "../../run/executor.ts";
import { type BatchOptions, eachImages } from "../../run/image-batches.ts";
import { openRunning } from "../../run/models/running-model.ts";
import { type ChannelStatistics, channelSums } from "../channel-statistics.ts";
import type { Repairable } from "../repairable.ts";
import { resetOnHost } from "./bn-reset.ts";
import { type HostTensors, readHostTensors } from "./tensors.ts";

/** Throws as `openRunning` does. */
export async function repairableOn(model: Model, executor: Executor): Promise<Repairable> {
  const { graph, network, tensors } = await openRunning(model, executor);
  return onHost({ graph, network, tensors, name: model.name }, await readOrDispose(model, graph, network));
}

async function readOrDispose(model: Model, graph: Graph, network: Network): Promise<HostTensors> {
  try {
    return await readHostTensors(model, graph);
  } catch (error) {
    network.dispose();
    throw error;
  }
}

function onHost({ graph, network, tensors, ...model }: RunningModel, read: HostTensors): Repairable {
  let { name } = model;
  let host = read;
  let changed = false;
  /** The network with the tensors as they are. */
  const current = async (): Promise<RunningModel> => {
    if (changed) await network.load(host.forExecutor());
    changed = false;
    return { name, graph, network, tensors };
  };
  const statistics: Repairable["statistics"] = async (data, values, options) =>
    statisticsOf(await current(), data, values, options);
  return {
    get name() {
      return name;
    },
    graph,
    network,
    tensors,
    statistics,
    async resetStatistics(data, options) {
      await resetOnHost({ name, graph, network, host }, data, options);
      changed = true;
    },
    walk: (data, options) =>
      walkBy(async (value, onImages) => (await statistics(data, [value], { ...options, onImages })).get(value)!),
    fold(place, affine) {
      host.fold(place, affine);
      changed = true;
    },
    async load(other) {
      await network.load(other);
      host = await readHostTensors(other, graph);
      ({ name } = other);
      changed = false;
    },
    toModel: () => Promise.resolve(host.toModel()),
    dispose: () => network.dispose(),
  };
}

/** Every measurement starts over from the images: nothing waits that a change would have to reach. */
const walkBy = (measure: ReturnType<Repairable["walk"]>["measure"]): ReturnType<Repairable["walk"]> => ({
  measure,
  change() {},
  dispose() {},
});

async function statisticsOf(
  { name, network }: RunningModel,
  data: Dataset,
  values: readonly string[],
  options: BatchOptions,
): Promise<Map<string, ChannelStatistics>> {
  const sums = new Map(values.map((value) => [value, channelSums(`${name} at ${value}`)]));
  const keep = new Set(values);
  await eachImages(data, options, async (images) => {
    for (const [value, found] of await network.run(new Map([["input", images]]), keep)) sums.get(value)!.add(found);
  });
  return new Map([...sums].map(([value, each]) => [value, each.finish()]));
}
