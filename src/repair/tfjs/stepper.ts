/** Solving in order on TensorFlow.js: all networks wait half-way, so that each operation of each runs once. */

import * as tf from "@tensorflow/tfjs-core";
import type { Model } from "../../base/model.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { BatchOptions } from "../../run/image-batches.ts";
import { predict } from "../../run/tfjs/evaluate.ts";
import { downloaded } from "../../run/tfjs/executor.ts";
import { createNetwork, type TfNetwork } from "../../run/tfjs/network.ts";
import type { Stepper } from "../least-squares/stepper.ts";
import { createLockstep } from "./lockstep.ts";

/** Throws as `createNetwork` does. */
export async function stepperOnTensorFlow(
  merged: Model,
  parents: readonly Model[],
  data: Dataset,
  options: BatchOptions,
): Promise<Stepper> {
  const networks: TfNetwork[] = [];
  const dispose = (): void => {
    for (const network of networks) network.dispose();
  };
  try {
    for (const model of [merged, ...parents]) networks.push(await createNetwork(model));
  } catch (error) {
    dispose();
    throw error;
  }
  const [network] = networks as [TfNetwork];
  const { graph, variables, tensors, name } = network;
  const lockstep = createLockstep(networks, data, options);
  return {
    name,
    graph,
    tensors,
    each(i, withParents, use, onImages) {
      const { inputs, output } = graph.operations[i]!;
      const ends = [i, ...parents.map(() => (withParents ? i + 1 : 0))];
      return lockstep.each(
        ends,
        ([own, ...others], images) => {
          const outputs = withParents ? others.map((values) => downloaded(values.get(output)!)) : [];
          use(downloaded(own!.get(inputs[0]!)!), outputs, images);
        },
        onImages,
      );
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
      dispose();
    },
  };
}
