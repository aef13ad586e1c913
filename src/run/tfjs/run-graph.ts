/**
 * Runs a graph operation by operation, and frees every value after its last reader: a whole network's would be
 * gigabytes.
 */

import * as tf from "@tensorflow/tfjs-core";
import type { Graph } from "../../graph/graph.ts";
import { runOperation, type Surroundings } from "./operations.ts";

/** A graph with, for every operation, the values that nothing reads after it. */
export interface PreparedGraph extends Graph {
  readonly expiries: readonly (readonly string[])[];
}

/** Finds out when values are no longer needed. */
export function prepareGraph({ operations, output }: Graph): PreparedGraph {
  const last = new Map<string, number>();
  operations.forEach((operation, i) => {
    last.set(operation.output, i);
    for (const input of operation.inputs) last.set(input, i);
  });
  const expiries: string[][] = operations.map(() => []);
  for (const [name, i] of last) expiries[i]!.push(name);
  return { operations, output, expiries };
}

/** What operations look up, and which values stay. */
export interface RunSettings extends Pick<Surroundings, "tensor" | "observe"> {
  /** Values that are not freed after their last reader. */
  readonly keep?: ReadonlySet<string> | undefined;
}

/**
 * Runs operations number `from` to `to` (exclusive) on `values`, which holds all that they and later ones read. It adds
 * what they make, and disposes and removes what no later operation reads. Call it in a tidy, and `tf.keep` values that
 * are to outlive it: a later call continues from them.
 */
export function runOperations(
  { operations, expiries }: PreparedGraph,
  [from, to]: readonly [from: number, to: number],
  values: Map<string, tf.Tensor>,
  { tensor, observe, keep }: RunSettings,
): void {
  for (let i = from; i < to; i++) {
    const { output, inputs, kind } = operations[i]!;
    const given = inputs.map((name) => values.get(name)!);
    values.set(
      output,
      tf.tidy(() => runOperation(kind, given, { tensor, training: observe !== undefined, observe })),
    );
    for (const name of expiries[i]!) {
      if (keep?.has(name)) continue;
      values.get(name)?.dispose();
      values.delete(name);
    }
  }
}

/** What a run gives: fresh tensors, which the caller disposes. */
export interface Outputs {
  /** `[batch, classes]`. */
  readonly logits: tf.Tensor2D;
  /** The kept values by name. */
  readonly values: Map<string, tf.Tensor>;
}

/**
 * Logits and kept values. With `observe`, BatchNorm works on the batch's statistics and hands them over. Throws
 * `RangeError` for a name in `keep` that no operation makes.
 */
export function runGraph(graph: PreparedGraph, images: tf.Tensor4D, settings: RunSettings): Outputs {
  const names = [...(settings.keep ?? [])];
  const unknown = names.find((name) => !graph.operations.some(({ output }) => output === name));
  if (unknown !== undefined) throw new RangeError(`value ${unknown} is unknown, expected the output of an operation`);
  const keep = new Set([...names, graph.output]);
  const [logits, ...kept] = tf.tidy(() => {
    // A handle of its own, so that the caller's images stay.
    const values = new Map<string, tf.Tensor>([["input", tf.clone(images)]]);
    runOperations(graph, [0, graph.operations.length], values, { ...settings, keep });
    // Copies of a handle, so that each can be disposed of by itself.
    return [values.get(graph.output)!, ...names.map((name) => tf.clone(values.get(name)!))];
  });
  return { logits: logits as tf.Tensor2D, values: new Map(names.map((name, i) => [name, kept[i]!])) };
}

/** Logits in training: BatchNorm by the batch. Values stay for the gradients, so call it where something tidies up. */
export function runGraphTraining(graph: Graph, images: tf.Tensor4D, tensor: Surroundings["tensor"]): tf.Tensor2D {
  const values = new Map<string, tf.Tensor>([["input", images]]);
  for (const { output, inputs, kind } of graph.operations) {
    const given = inputs.map((name) => values.get(name)!);
    values.set(
      output,
      tf.tidy(() => runOperation(kind, given, { tensor, training: true })),
    );
  }
  return values.get(graph.output) as tf.Tensor2D;
}
