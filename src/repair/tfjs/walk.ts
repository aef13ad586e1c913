/**
 * Runs a network over all images a few operations at a time, so that it can be changed on the way: REPAIR measures
 * every place after the repairs before it. Batches wait at the place they came to, as far as memory allows; the others
 * start over from their images.
 */

import * as tf from "@tensorflow/tfjs-core";
import type { Dataset } from "../../data/dataset.ts";
import type { BatchOptions } from "../../run/image-batches.ts";
import { downloaded } from "../../run/tfjs/executor.ts";
import { eachBatch } from "../../run/tfjs/image-batches.ts";
import type { TfNetwork } from "../../run/tfjs/network.ts";
import { prepareGraph, runOperations } from "../../run/tfjs/run-graph.ts";
import { channelSums } from "../channel-statistics.ts";
import type { Walk } from "../repairable.ts";

/** Bytes of values that may wait: well below what a wasm memory holds. */
const WAITING_BYTES = 2 ** 29;

/** A batch after its first `done` operations, with the values that later ones read. */
interface Waiting {
  readonly done: number;
  readonly values: Map<string, tf.Tensor>;
}

/** A walk over `data`. Its network may change only at the value measured last, with `change`. */
export function createWalk(
  network: TfNetwork,
  data: Dataset,
  options: BatchOptions,
  bytes: number = WAITING_BYTES,
): Walk {
  const { operations } = network.graph;
  const advance = createAdvance(network);
  const waiting = waitingRoom(bytes);
  let place = "";
  return {
    async measure(value, onImages) {
      place = value;
      const end = operations.findIndex(({ output }) => output === value) + 1;
      const sums = channelSums(`${network.name} at ${value}`);
      let batch = 0;
      await eachBatch(data, { ...options, onImages }, (images) => {
        const at = batch++;
        const before = waiting.take(at) ?? { done: 0, values: new Map([["input", tf.clone(images)]]) };
        const state = advance(before, end);
        sums.add(downloaded(state.values.get(value)!));
        waiting.put(at, state);
      });
      return sums.finish();
    },
    change({ scale, shift }) {
      tf.tidy(() => {
        const [factors, terms] = [scale, shift].map((each) => tf.tensor1d(Float32Array.from(each)));
        for (const { values } of waiting.states()) {
          const before = values.get(place)!;
          values.set(place, tf.keep(tf.add(tf.mul(before, factors!), terms!)));
          before.dispose();
        }
      });
    },
    dispose: () => waiting.clear(),
  };
}

/** Batches that wait half-way, by number, as far as memory allows. */
interface WaitingRoom {
  take(batch: number): Waiting | undefined;
  /** Keeps the values of a batch, in a tidy of the caller's; where there is no room, they are freed. */
  put(batch: number, state: Waiting): void;
  states(): Iterable<Waiting>;
  clear(): void;
}

function waitingRoom(bytes: number): WaitingRoom {
  const waiting = new Map<number, Waiting>();
  let used = 0;
  const sizeOf = ({ values }: Waiting): number => [...values.values()].reduce((sum, { size }) => sum + 4 * size, 0);
  const free = (state: Waiting): void => tf.dispose([...state.values.values()]);
  return {
    take(batch) {
      const state = waiting.get(batch);
      waiting.delete(batch);
      if (state !== undefined) used -= sizeOf(state);
      return state;
    },
    put(batch, state) {
      const size = sizeOf(state);
      if (used + size > bytes) {
        free(state);
        return;
      }
      used += size;
      for (const each of state.values.values()) tf.keep(each);
      waiting.set(batch, state);
    },
    states: () => waiting.values(),
    clear() {
      for (const state of waiting.values()) free(state);
      waiting.clear();
      used = 0;
    },
  };
}

/** What runs a batch on, up to operation number `end`, whose value is kept; in a tidy of the caller's. */
function createAdvance({ graph, variables }: TfNetwork): (from: Waiting, end: number) => Waiting {
  const prepared = prepareGraph(graph);
  const tensor = (name: string): tf.Variable => variables.get(name)!;
  return (from, end) => {
    const values = new Map(from.values);
    runOperations(prepared, [from.done, end], values, { tensor, keep: new Set([graph.operations[end - 1]!.output]) });
    return { done: end, values };
  };
}
