/** Repair on TensorFlow.js: tensors are changed where they are, and batches wait half-way through the network. */

import type { Model } from "../../base/model.ts";
import { createNetwork } from "../../run/tfjs/network.ts";
import type { Repairable } from "../repairable.ts";
import { resetStatistics } from "./bn-reset.ts";
import { foldAffine } from "./fold.ts";
import { channelStatistics } from "./statistics.ts";
import { createWalk } from "./walk.ts";

/** Throws as `createNetwork` does. */
export async function repairableOnTensorFlow(model: Model): Promise<Repairable> {
  const network = await createNetwork(model);
  return {
    get name() {
      return network.name;
    },
    graph: network.graph,
    tensors: network.tensors,
    statistics: (data, values, options) => channelStatistics(network, data, values, options),
    resetStatistics: (data, options) => resetStatistics(network, data, options),
    walk: (data, options) => createWalk(network, data, options),
    fold: (place, affine) => foldAffine(network, place, affine),
    load: (other) => network.load(other),
    toModel: () => network.toModel(),
    dispose: () => network.dispose(),
  };
}
