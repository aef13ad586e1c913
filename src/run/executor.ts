/** What runs models, without naming TensorFlow.js: anything that can be wrapped like this can take its place. */

import type { Model } from "../base/model.ts";
import type { Graph } from "../graph/graph.ts";

/** A value on its way in or out of a network. */
export interface Value {
  /** Images and feature maps are `[batch, height, width, channels]`, vectors `[batch, length]`. */
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: Float32Array;
}

/** A model that runs. Dispose it when done. */
export interface Network {
  /** Names of the values that `run` needs: "input", the images, for graphs of `describeGraph`. */
  readonly inputs: readonly string[];
  /** Names of the values that `run` can give: the outputs of the graph's operations. */
  readonly values: readonly string[];
  /**
   * The values named in `keep`, by name: copies. What none of them needs may be left out of the computation. Rejects
   * with `RangeError` for inputs that do not fit and for unknown names.
   */
  run(inputs: ReadonlyMap<string, Value>, keep: ReadonlySet<string>): Promise<Map<string, Value>>;
  /** Takes over the tensors of another model, which has the same names and shapes. Rejects with `RangeError` when not. */
  load(model: Model): Promise<void>;
  /**
   * Shapes of values without the batch, for images `[height, width, channels]`: of networks with operators that do not
   * show them. Rejects with `RangeError` for images that do not fit.
   */
  shapes?(
    images: readonly [number, number, number],
    values: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, readonly number[]>>;
  /** Frees what the network holds. Safe to call twice. */
  dispose(): void;
}

/** What makes networks of models: `tfExecutor` of `rebasin/tf`, or your own around another runtime. */
export interface Executor {
  /**
   * Puts a model where it runs. The model may be closed afterwards. `graph` is what it computes; the functions of this
   * package always give it, so that value names are those of `describeGraph`.
   */
  open(model: Model, options?: { readonly graph?: Graph | undefined }): Promise<Network>;
}

/** Marks an executor as TensorFlow.js's, without loading it: some functions have a faster way there. */
export const ON_TENSORFLOW: unique symbol = Symbol("runs on TensorFlow.js");

/** Marks an executor as that of ONNX files, which runs them by their own graphs. */
export const ON_ONNX: unique symbol = Symbol("runs ONNX files");

/** True for `tfExecutor`. */
export function runsOnTensorFlow(executor: Executor): boolean {
  return ON_TENSORFLOW in executor;
}

/** True for `onnxExecutor`. */
export function runsOnnx(executor: Executor): boolean {
  return ON_ONNX in executor;
}

/** What functions that run models take. */
export interface ExecutorOptions {
  /**
   * What runs the models. Default: `tfExecutor`, TensorFlow.js, loaded when it is first needed; for ONNX networks with
   * operators that it does not have, `onnxExecutor`.
   */
  readonly executor?: Executor | undefined;
}

/** A model that runs, with what is known of it. */
export interface RunningModel extends Pick<Model, "name" | "tensors"> {
  readonly graph: Graph;
  readonly network: Network;
}
