/** Models that are run one after another: in the same variables, as long as their tensors are the same. */

import type { Model } from "../../base/model.ts";
import { createNetwork, type Network } from "./network.ts";

/** What runs models. */
export interface ModelRunner {
  /** The network of `model`, until the next call. */
  load(model: Model): Promise<Network>;
  /** Frees all variables. Safe to call twice. */
  dispose(): void;
}

/** A runner that has run nothing yet. Dispose it. */
export function createRunner(): ModelRunner {
  let network: Network | undefined;
  let tensors: Model["tensors"] = new Map();
  return {
    async load(model) {
      if (network !== undefined && sameNames(tensors, model.tensors)) await network.load(model);
      else {
        network?.dispose();
        network = undefined;
        network = await createNetwork(model);
        tensors = model.tensors;
      }
      return network;
    },
    dispose() {
      network?.dispose();
      network = undefined;
    },
  };
}

const sameNames = (a: Model["tensors"], b: Model["tensors"]): boolean =>
  a.size === b.size && [...a.keys()].every((name) => b.has(name));
