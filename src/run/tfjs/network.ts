/** A model that runs: its tensors as variables of TensorFlow.js, its graph as operations on them. */

import * as tf from "@tensorflow/tfjs-core";
import { compareTensors, describeDifferences } from "../../base/compare-tensors.ts";
import type { Model, TensorInfo } from "../../base/model.ts";
import type { Graph } from "../../graph/graph.ts";
import { type OperandUse, tensorUses } from "../../graph/tensor-uses.ts";
import { valueShapes } from "../../graph/value-shapes.ts";
import { createKernels, type Kernels } from "../../kernels/kernels.ts";
import { startBackend } from "./backend.ts";
import { tensorFlowGraph } from "./graph-of-model.ts";
import { readTensors, writeModel } from "./read-tensors.ts";
import { type Outputs, prepareGraph, runGraph, runGraphTraining } from "./run-graph.ts";

export type { Outputs } from "./run-graph.ts";

/** A model on the backend. Dispose it when done: TensorFlow.js frees nothing by itself. */
export interface TfNetwork {
  /** The model's name; that of the last one loaded. */
  readonly name: string;
  readonly graph: Graph;
  /** All tensors of the model, in file order: names, dtypes and the file's shapes. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /**
   * Tensors that the graph reads, by the names of the file, in TensorFlow's layout (dense `[in, out]`, convolutions
   * `[height, width, in, out]`). Running statistics are not trainable, all others are.
   */
  readonly variables: ReadonlyMap<string, tf.Variable>;
  /**
   * Logits `[batch, classes]` of images `[batch, height, width, channels]`, and the values named in `keep`: fresh
   * tensors, for the caller to dispose. Other values are freed as soon as nothing needs them. Throws `RangeError` for
   * images that do not fit and for unknown names.
   */
  run(images: tf.Tensor4D, keep?: ReadonlySet<string>): Outputs;
  /**
   * The logits in training: BatchNorm takes the statistics of the batch and moves the running ones towards them, with
   * momentum .1 and the unbiased variance as PyTorch does. Call it inside `tf.tidy` or a gradient function, which free
   * the values between. Throws `RangeError` as `run` does.
   */
  runTraining(images: tf.Tensor4D): tf.Tensor2D;
  /** The tensors as they are now, in the file's layout and dtypes, rounded to nearest even: a copy. */
  toModel(): Promise<Model>;
  /** Takes over the tensors of another model. Throws `RangeError` when names or shapes differ. */
  load(model: Model): Promise<void>;
  /** Frees all variables. Safe to call twice. */
  dispose(): void;
}

/** How a model is run. */
export interface NetworkOptions {
  /** What it computes; by default `describeGraph` of its tensors, or what its own ONNX file has. */
  readonly graph?: Graph | undefined;
}

/**
 * Puts a model on TensorFlow.js's wasm backend, which it starts. Every tensor is read once; the model may be closed
 * afterwards. Everything computes in f32, for any dtype of the file.
 *
 * @throws {RangeError} when the model is of no known family, or the graph names a tensor that is missing, has another
 * rank or is no float. Also when the graph does not read all float tensors: then it is not the network that was stored.
 *
 * @example
 * const network = await createNetwork(model);
 * const { logits } = network.run(images);
 * network.dispose();
 */
export async function createNetwork(model: Model, options: NetworkOptions = {}): Promise<TfNetwork> {
  const graph = options.graph ?? (await tensorFlowGraph(model));
  const uses = tensorUses(graph, model);
  await startBackend();
  const kernels = createKernels();
  const { tensors, rest } = await readTensors(model, uses, kernels);
  const variables = new Map<string, tf.Variable>();
  for (const [name, tensor] of tensors) {
    variables.set(name, tf.variable(tensor, uses.get(name)!.trainable));
    tensor.dispose();
  }
  return toNetwork(model, { graph, uses, kernels, variables, rest });
}

interface Parts {
  readonly graph: Graph;
  readonly uses: ReadonlyMap<string, OperandUse>;
  readonly kernels: Kernels;
  readonly variables: ReadonlyMap<string, tf.Variable>;
  readonly rest: ReadonlyMap<string, Uint8Array>;
}

function toNetwork(model: Model, { graph, uses, kernels, variables, ...parts }: Parts): TfNetwork {
  const tensors = new Map(model.tensors);
  const prepared = prepareGraph(graph);
  let { rest } = parts;
  let { name, metadata } = model;
  const tensor = (wanted: string): tf.Variable => variables.get(wanted)!;
  const check = ({ shape: [, height, width, channels] }: tf.Tensor4D): void => {
    valueShapes(graph, tensors, [height, width, channels]);
  };
  return {
    get name() {
      return name;
    },
    graph,
    tensors,
    variables,
    run(images, keep) {
      check(images);
      return runGraph(prepared, images, { keep, tensor });
    },
    runTraining(images) {
      check(images);
      return runGraphTraining(graph, images, tensor);
    },
    toModel: () => writeModel(tensors, uses, kernels, { tensors: variables, rest }, { name, metadata }),
    async load(other) {
      const differences = compareTensors(tensors, other.tensors).filter(({ kind }) => kind !== "dtype");
      if (differences.length > 0)
        throw new RangeError(`${other.name} does not fit ${name}: ${describeDifferences(differences)}`);
      const read = await readTensors(other, uses, kernels);
      for (const [each, value] of read.tensors) {
        tensor(each).assign(value);
        value.dispose();
      }
      ({ rest } = read);
      ({ name, metadata } = other);
    },
    dispose: () => tf.dispose([...variables.values()]),
  };
}
