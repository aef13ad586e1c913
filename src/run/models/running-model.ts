/** Models opened on an executor; models that are run one after another. */

import type { Model } from "../../base/model.ts";
import type { Graph } from "../../graph/graph.ts";
import { type Executor, type Network, type RunningModel, runsOnnx, runsOnTensorFlow } from "../executor.ts";
import { checkedNetwork } from "./checked-network.ts";
import { executorFor, type ModelGraph, modelGraph } from "./model-graph.ts";

/** A model that runs, and where its units show. */
export type OpenedModel = RunningModel & Pick<ModelGraph, "taps">;

/**
 * Opens a model. Rejects with `RangeError` for one of no known family whose file has no graph. The caller disposes the
 * network.
 */
export async function openRunning(model: Model, executor?: Executor): Promise<OpenedModel> {
  if (executor !== undefined && typeof executor.open !== "function")
    throw new TypeError("executor has no function open, expected an Executor");
  const runs = await executorFor(model, executor);
  const found = await modelGraph(model, runs);
  const network = await openNetwork(runs, model, found.graph);
  return { name: model.name, tensors: model.tensors, network, ...found };
}

async function openNetwork(executor: Executor, model: Model, graph: Graph): Promise<Network> {
  const network = await executor.open(model, { graph });
  return runsOnTensorFlow(executor) || runsOnnx(executor) ? network : checkedNetwork(network, model, graph);
}

/** What runs models: in the same network, as long as their tensors have the same names. */
export interface ModelRunner {
  /** `model` as it runs, until the next call. */
  load(model: Model): Promise<RunningModel>;
  /** Frees the network. Safe to call twice. */
  dispose(): void;
}

/**
 * A runner that has run nothing yet. Dispose it. Its `load` throws as `evaluateModel` does.
 *
 * @example
 * const runner = createRunner();
 * for (const each of [a, b]) console.log((await predictRunning(await runner.load(each), testSet)).classes);
 * runner.dispose();
 */
export function createRunner(executor?: Executor): ModelRunner {
  let running: RunningModel | undefined;
  let loaded: Model | undefined;
  const dispose = (): void => {
    running?.network.dispose();
    [running, loaded] = [undefined, undefined];
  };
  return {
    async load(model) {
      if (running !== undefined && loaded === model) return running;
      if (running !== undefined && sameNames(running.tensors, model.tensors)) {
        loaded = undefined;
        await running.network.load(model);
        running = { ...running, name: model.name };
      } else {
        dispose();
        running = await openRunning(model, executor);
      }
      loaded = model;
      return running;
    },
    dispose,
  };
}

const sameNames = (a: Model["tensors"], b: Model["tensors"]): boolean =>
  a.size === b.size && [...a.keys()].every((name) => b.has(name));
