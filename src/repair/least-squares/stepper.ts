/** A merged network beside its parents, run operation by operation: what solving in order needs, on any runtime. */

import type { Model } from "../../base/model.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { Graph } from "../../graph/graph.ts";
import type { Predictions } from "../../run/evaluate.ts";
import type { Network, Value } from "../../run/executor.ts";
import type { BatchOptions } from "../../run/image-batches.ts";

export interface Stepper extends Pick<Model, "name" | "tensors"> {
  /** Of all of them. */
  readonly graph: Graph;
  /** Asked for shapes, where the graph does not show them. */
  readonly network?: Pick<Network, "shapes"> | undefined;
  /**
   * For every batch: the first input of operation number `i` in the merged network as it is now. With `parents`, also
   * the output of that operation in each of them. Numbers must rise from call to call, and tensors change only in
   * operations from number `i` on.
   */
  each(
    i: number,
    parents: boolean,
    use: (input: Value, outputs: readonly Value[], images: number) => void,
    onImages: (done: number) => void,
  ): Promise<void>;
  /** A tensor of the merged network as it is now, in TensorFlow's layout. */
  read(tensor: string): Promise<Float32Array>;
  /** Changes it. */
  write(tensor: string, values: Float32Array): void;
  /** Logits of the merged network (0) or of a parent (from 1 on). */
  predict(which: number, data: Dataset, options: BatchOptions): Promise<Predictions>;
  /** The merged network's tensors, rounded to the file's dtypes: a copy. */
  toModel(): Promise<Model>;
  dispose(): void;
}
