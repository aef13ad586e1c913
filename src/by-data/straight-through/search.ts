/** The moving parts of the straight-through estimator: θ̃, the midpoint, and a step of both. */

import * as tf from "@tensorflow/tfjs-core";
import type { Spec } from "../../axes/types.ts";
import type { Model } from "../../base/model.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { Batch } from "../../data/select.ts";
import { matchWeights } from "../../match/match-weights.ts";
import type { Permutations } from "../../perm/alignment.ts";
import type { Pair } from "../../perm/pair.ts";
import { identityPermutation, samePermutation } from "../../perm/permutation.ts";
import { lossGradients } from "../../run/tfjs/loss-gradients.ts";
import { createNetwork, type TfNetwork } from "../../run/tfjs/network.ts";
import { createOptimizer, type Optimizer } from "../../run/tfjs/optimizer.ts";
import { checkpointVariables } from "../../run/tfjs/training-state.ts";
import { createMidpoint, type Midpoint } from "./midpoint.ts";
import type { Settings, StraightThroughOptions } from "./options.ts";
import { orderVariables } from "./order-variables.ts";

/** Where networks are merged; the paper's is the midpoint. */
const LAMBDA = 0.5;
/** Sweeps of one projection at most: from a warm start few are needed, and the next step projects again. */
const PROJECTION_SWEEPS = 10;

/** What the steps change. */
export interface Search {
  readonly theta: TfNetwork;
  readonly midpoint: Midpoint;
  readonly optimizer: Optimizer;
  /** π of the last projection, and the one of the lowest loss, for checkpoints. */
  readonly orders: ReadonlyMap<string, tf.Variable>;
  readonly start: Map<string, Int32Array>;
  dispose(): void;
}

/** Everything at A and `given`; dispose it. */
export async function createSearch(pair: Pair, given: Permutations, settings: Settings): Promise<Search> {
  const { a, b, resolved } = pair;
  const { permutations } = resolved;
  const start = new Map(permutations.map(({ name, size }) => [name, given.get(name) ?? identityPermutation(size)]));
  const midpoint = await createMidpoint(a, b, pair, start, LAMBDA);
  const theta = await createNetwork(a);
  const { momentum } = settings;
  const optimizer = createOptimizer(trainableOf(theta), { kind: "sgd", momentum, weightDecay: 0 });
  const orders = orderVariables(start);
  const dispose = (): void => {
    midpoint.dispose();
    theta.dispose();
    optimizer.dispose();
    tf.dispose([...orders.values()]);
  };
  return { theta, midpoint, optimizer, orders, start, dispose };
}

const trainableOf = (network: TfNetwork): Map<string, tf.Variable> =>
  new Map([...network.variables].filter(([, variable]) => variable.trainable));

/** All that a checkpoint keeps, by name. */
export const stateOf = ({ theta, optimizer, orders }: Search): Map<string, tf.Variable> =>
  new Map([...checkpointVariables(theta.variables, optimizer.state), ...orders]);

/** One step of θ̃ down the gradient at the midpoint. */
export function stepDown(
  { theta, midpoint, optimizer }: Search,
  data: Dataset,
  batch: Batch,
  { learningRate, steps }: Settings,
  step: number,
): void {
  const variables = trainableOf(midpoint.network);
  const { score, gradients } = lossGradients(midpoint.network, data, variables, batch);
  try {
    const mean = score.loss / score.count;
    if (!Number.isFinite(mean))
      throw new RangeError(`the midpoint with ${theta.name} has loss ${mean} at step ${step}, expected a finite one`);
    // The midpoint moves by λ where π(θ̃) does. Towards the end steps shorten: far from A, each projection moves many units.
    optimizer.apply(gradients, LAMBDA * learningRate * (1 - (step - 1) / steps), step);
  } finally {
    tf.dispose([...gradients.values()]);
  }
}

/** π of θ̃ from where it was; null when nothing moved. */
export async function project(
  { theta }: Search,
  b: Model,
  spec: Spec,
  from: Permutations,
  seed: number,
  { threads = 1, signal }: StraightThroughOptions,
): Promise<Map<string, Int32Array> | null> {
  const { permutations } = await matchWeights(await theta.toModel(), b, spec, {
    ...{ method: "coordinate", start: from, seed, threads, signal, maxSweeps: PROJECTION_SWEEPS },
  });
  const same = [...permutations].every(([name, order]) => samePermutation(order, from.get(name)!));
  return same ? null : permutations;
}
