/** TensorFlow.js as an executor: what runs models where nothing else is given. */

import * as tf from "@tensorflow/tfjs-core";
import { graphUpTo } from "../../graph/graph-up-to.ts";
import { valueShapes } from "../../graph/value-shapes.ts";
import { type Executor, type Network, ON_TENSORFLOW, type RunningModel, type Value } from "../executor.ts";
import { imagesOf } from "../input-images.ts";
import { createNetwork, type TfNetwork } from "./network.ts";
import { prepareGraph, runGraph } from "./run-graph.ts";

/**
 * Runs models on TensorFlow.js's wasm backend, as `createNetwork` does: the default of every function that takes an
 * executor.
 *
 * @example
 * const opened = await tfExecutor.open(model);
 * const images = { shape: [1, 28, 28, 1], data: new Float32Array(784) };
 * const values = await opened.run(new Map([["input", images]]), new Set(opened.values));
 * opened.dispose();
 */
export const tfExecutor: Executor & { readonly [ON_TENSORFLOW]: true } = {
  [ON_TENSORFLOW]: true,
  async open(model, { graph } = {}) {
    return plainNetwork(await createNetwork(model, { graph }));
  },
};

/** A network without types of TensorFlow.js. Both are the same: dispose one of them. */
export function plainNetwork(network: TfNetwork): Network {
  const { graph, tensors, variables } = network;
  const values = graph.operations.map(({ output }) => output);
  return {
    inputs: ["input"],
    values,
    async run(inputs, keep) {
      const { data, shape } = imagesOf(inputs);
      valueShapes(graph, tensors, shape.slice(1) as [number, number, number]);
      const part = prepareGraph(graphUpTo(graph, keep));
      const found = new Map<string, Value>();
      tf.tidy(() => {
        const images = tf.tensor4d(data, shape as [number, number, number, number]);
        const { values: kept } = runGraph(part, images, { keep, tensor: (name) => variables.get(name)! });
        for (const [name, value] of kept) found.set(name, downloaded(value));
      });
      return found;
    },
    load: (model) => network.load(model),
    dispose: () => network.dispose(),
  };
}

/** A network that is on TensorFlow.js already, as one that runs on some executor. */
export function asRunning(network: TfNetwork): RunningModel {
  const { name, graph, tensors } = network;
  return { name, graph, tensors, network: plainNetwork(network) };
}

/** A tensor as plain numbers: a copy. */
export const downloaded = (value: tf.Tensor): Value => ({ shape: value.shape, data: value.dataSync<"float32">() });
