/** Runs a graph operation by operation, and frees every value after its last reader: a whole network's would be gigabytes. */

import * as tf from "@tensorflow/tfjs-core";
import type { Graph } from "../../graph/graph.ts";
import { runOperation, type Surroundings } from "./operations.ts";

/** For every operation, the values that nothing reads after it. */
export type Expiries = readonly (readonly string[])[];

/** When values are no longer needed. */
export function expiriesOf({ operations }: Graph): Expiries {
  const last = new Map<string, number>();
  operations.forEach(({ output, inputs }, i) => {
    last.set(output, i);
    for (const input of inputs) last.set(input, i);
  });
  const expiries: string[][] = operations.map(() => []);
  for (const [name, i] of last) if (name !== "input") expiries[i]!.push(name);
  return expiries;
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
export function runGraph(
  graph: Graph,
  expiries: Expiries,
  images: tf.Tensor4D,
  keep: ReadonlySet<string>,
  tensor: Surroundings["tensor"],
  observe?: Surroundings["observe"],
): Outputs {
  const unknown = [...keep].find((name) => !graph.operations.some(({ output }) => output === name));
  if (unknown !== undefined) throw new RangeError(`value ${unknown} is unknown, expected the output of an operation`);
  const names = [...keep];
  const [logits, ...kept] = tf.tidy(() => {
    const values = new Map<string, tf.Tensor>([["input", images]]);
    graph.operations.forEach(({ output, inputs, kind }, i) => {
      const given = inputs.map((name) => values.get(name)!);
      values.set(
        output,
        tf.tidy(() => runOperation(kind, given, { tensor, training: observe !== undefined, observe })),
      );
      for (const name of expiries[i]!) {
        if (name === graph.output || keep.has(name)) continue;
        values.get(name)!.dispose();
        values.delete(name);
      }
    });
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
