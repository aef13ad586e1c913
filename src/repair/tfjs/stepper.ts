/** Solving in order on TensorFlow.js: all networks wait half-way, so that each operation of each runs once. */

import * as tf from "@tensorflow/tfjs-core";
import type { Model } from "../../base/model.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { BatchOptions } from "../../run/image-batches.ts";
import { predict } from "../../run/tfjs/evaluate.ts";
import { downloaded } from "../../run/tfjs/executor.ts";
import { createNetwork, type TfNetwork } from "../../run/tfjs/network.ts";
import type { Stepper } from "../least-squares/stepper.ts";
import { createLockstep, type Lockstep } from "./lockstep.ts";

/** Throws as `createNetwork` does. */
export async function stepperOnTensorFlow(
  models: readonly [merged: Model, ...parents: Model[]],
  data: Dataset,
  options: BatchOptions,
): Promise<Stepper> {
  const networks = await createAll(models);
  const [network] = networks as [TfNetwork];
  const { graph, variables, tensors, name } = network;
  const lockstep = createLockstep(networks, data, options);
  return {
    name,
    graph,
    tensors,
    each(i, withParents, use, onImages) {
      const { inputs, output } = graph.operations[i]!;
      const ends = [i, ...models.slice(1).map(() => (withParents ? i + 1 : 0))];
      const hand: Parameters<Lockstep["each"]>[1] = ([own, ...others], images) => {
        const outputs = withParents ? others.map((values) => downloaded(values.get(output)!)) : [];
        use(downloaded(own!.get(inputs[0]!)!), outputs, images);
      };
      return lockstep.each(ends, hand, onImages);
    },
    read: async (tensor) => (await variables.get(tensor)!.data()) as Float32Array,
    write(tensor, values) {
      const variable = variables.get(tensor)!;
      tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
    },
    predict: (which, images, { batch, signal, onImages }) =>
      predict(networks[which]!, images, { batch, signal, onProgress: ({ done }) => onImages?.(done) }),
    toModel: () => network.toModel(),
    dispose() {
      lockstep.dispose();
      disposeAll(networks);
    },
  };
}

async function createAll(models: readonly Model[]): Promise<TfNetwork[]> {
  const networks: TfNetwork[] = [];
  try {
    for (const model of models) networks.push(await createNetwork(model));
    return networks;
  } catch (error) {
    disposeAll(networks);
    throw error;
  }
}

function disposeAll(networks: readonly TfNetwork[]): void {
  for (const network of networks) network.dispose();
}
