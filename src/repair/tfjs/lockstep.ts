/**
 * Runs several networks of one graph over the same images in step, a few operations at a time, so that one of them can
 * be changed on the way. Batches wait where they are, as far as memory allows; the others start over from their images.
 */

import * as tf from "@tensorflow/tfjs-core";
import type { Dataset } from "../../data/dataset.ts";
import type { BatchOptions } from "../../run/image-batches.ts";
import { eachBatch } from "../../run/tfjs/image-batches.ts";
import type { TfNetwork } from "../../run/tfjs/network.ts";
import { prepareGraph, runOperations } from "../../run/tfjs/run-graph.ts";

/** Bytes of values that may wait in all: half of what TensorFlow.js's wasm memory holds. */
const WAITING_BYTES = 2 ** 30;

/** Values of one network by name. */
export type Values = ReadonlyMap<string, tf.Tensor>;

export interface Lockstep {
  /**
   * For every batch: runs network k up to operation number `ends[k]`, exclusive, and passes its values on. These are
   * the last one made, and those that later operations read. Numbers must not fall from call to call.
   */
  each(
    ends: readonly number[],
    use: (values: readonly Values[], images: number) => void,
    onImages?: (done: number) => void,
  ): Promise<void>;
  /** Frees what waits. */
  dispose(): void;
}

/** One network after its first `done` operations. */
interface Waiting {
  readonly done: number;
  readonly values: Map<string, tf.Tensor>;
}

/** A network may change only in operations that it has not yet run. */
export function createLockstep(
  networks: readonly TfNetwork[],
  data: Dataset,
  options: BatchOptions,
  bytes: number = WAITING_BYTES,
): Lockstep {
  const advances = networks.map(createAdvance);
  const waiting = new Map<number, readonly Waiting[]>();
  let used = 0;
  return {
    async each(ends, use, onImages) {
      let batch = 0;
      await eachBatch(data, { ...options, onImages }, (images) => {
        const at = batch++;
        const before = waiting.get(at);
        waiting.delete(at);
        if (before !== undefined) used -= sizeOf(before);
        const states = advances.map((advance, k) =>
          advance(before?.[k] ?? { done: 0, values: new Map([["input", tf.clone(images)]]) }, ends[k]!),
        );
        const values = states.map((state) => state.values);
        use(values, images.shape[0]);
        const size = sizeOf(states);
        if (used + size > bytes) {
          tf.dispose(valuesOf(states));
          return;
        }
        used += size;
        for (const each of valuesOf(states)) tf.keep(each);
        waiting.set(at, states);
      });
    },
    dispose() {
      for (const states of waiting.values()) tf.dispose(valuesOf(states));
      waiting.clear();
      used = 0;
    },
  };
}

const valuesOf = (states: readonly Waiting[]): tf.Tensor[] => states.flatMap(({ values }) => [...values.values()]);

const sizeOf = (states: readonly Waiting[]): number => valuesOf(states).reduce((sum, { size }) => sum + 4 * size, 0);

/** What runs a batch on, up to operation number `end`, whose last value is kept; in a tidy of the caller's. */
function createAdvance({ graph, variables }: TfNetwork): (from: Waiting, end: number) => Waiting {
  const prepared = prepareGraph(graph);
  const tensor = (name: string): tf.Variable => variables.get(name)!;
  return (from, end) => {
    if (end <= from.done) return from;
    const values = new Map(from.values);
    runOperations(prepared, [from.done, end], values, { tensor, keep: new Set([graph.operations[end - 1]!.output]) });
    return { done: end, values };
  };
}
