/** The network between A and π(B), rebuilt as π changes. */

import * as tf from "@tensorflow/tfjs-core";
import type { Spec } from "../../axes/types.ts";
import type { Model } from "../../base/model.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { Permutations } from "../../perm/alignment.ts";
import { applyPermutations } from "../../perm/apply-permutations.ts";
import type { Pair } from "../../perm/pair.ts";
import { scoreLogits } from "../../run/metrics.ts";
import { eachBatch } from "../../run/tfjs/image-batches.ts";
import { createNetwork, type TfNetwork } from "../../run/tfjs/network.ts";

export interface Midpoint {
  /** (1−λ)·A + λ·π(B), as it is. Its variables change with `moveTo`. */
  readonly network: TfNetwork;
  /** Takes another π. */
  moveTo(orders: Permutations): Promise<void>;
  /** Mean cross-entropy over `data`, with BatchNorm's statistics of each batch: those of a midpoint are not known. */
  loss(data: Dataset, signal: AbortSignal | undefined): Promise<number>;
  dispose(): void;
}

/** Images whose BatchNorm statistics are taken together, and that are run at once. */
const BATCH = 500;

/** The midpoint at `orders`. Throws as `createNetwork` does. */
export async function createMidpoint(
  a: Model,
  b: Model,
  spec: Spec | Pair,
  orders: Permutations,
  lambda: number,
): Promise<Midpoint> {
  const networks = await openAll([a, await applyPermutations(b, spec, orders), a]);
  const [first, second, network] = networks as [TfNetwork, TfNetwork, TfNetwork];
  const blend = (): void =>
    tf.tidy(() => {
      for (const [name, variable] of network.variables) {
        const ends = [tf.mul(first.variables.get(name)!, 1 - lambda), tf.mul(second.variables.get(name)!, lambda)];
        variable.assign(tf.add(ends[0]!, ends[1]!));
      }
    });
  blend();
  return {
    network,
    async moveTo(next) {
      await second.load(await applyPermutations(b, spec, next));
      blend();
    },
    async loss(data, signal) {
      let sum = 0;
      await eachBatch(data, { batch: BATCH, signal }, (images, start) => {
        const logits = network.runTraining(images);
        const labels = data.labels.subarray(start, start + images.shape[0]);
        sum += scoreLogits({ logits: logits.dataSync<"float32">(), classes: logits.shape[1], labels }).loss;
      });
      return sum / data.count;
    },
    dispose() {
      for (const each of networks) each.dispose();
    },
  };
}

/** All of them, or none when one cannot be opened. */
async function openAll(models: readonly Model[]): Promise<TfNetwork[]> {
  const networks: TfNetwork[] = [];
  try {
    for (const model of models) networks.push(await createNetwork(model));
    return networks;
  } catch (error) {
    for (const each of networks) each.dispose();
    throw error;
  }
}
