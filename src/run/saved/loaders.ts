/** TensorFlow.js' own loaders as optional peers: what is used of them, and what to install when they are not there. */

import type { io, NamedTensorMap, Tensor } from "@tensorflow/tfjs-core";
import { INSTALL_PEERS } from "../with-tensorflow.ts";

/** What is used of `@tensorflow/tfjs-converter`. */
export interface TfConverter {
  /** Opens a graph model from a handler of files. */
  loadGraphModel(handler: io.IOHandler): Promise<GraphModelLike>;
}

/** A graph model of it. */
export interface GraphModelLike {
  readonly inputs: readonly InputLike[];
  readonly outputNodes: readonly string[];
  /** Runs it; throws where a node decides at run time what comes next. */
  execute(inputs: NamedTensorMap, outputs: string[]): Tensor | Tensor[];
  /** Runs any graph. */
  executeAsync(inputs: NamedTensorMap, outputs: string[]): Promise<Tensor | Tensor[]>;
  /** Frees its memory. */
  dispose(): void;
}

/** An input of a model; the shape is undefined or null where the rank is not known. */
export interface InputLike {
  readonly name: string;
  readonly dtype: string;
  readonly shape?: readonly (number | null)[] | null | undefined;
  /** Set for tables and the like, which the model makes itself. */
  readonly resourceId?: unknown;
}

/** What is used of `@tensorflow/tfjs-layers`. */
export interface TfLayers {
  /** Opens a model of layers from a handler of files. */
  loadLayersModel(handler: io.IOHandler): Promise<LayersModelLike>;
  readonly layers: {
    /** What cells of recurrent layers are made from. */
    readonly RNNCell: unknown;
    /** A layer that applies an activation by its name. */
    activation(options: { activation: string }): ActivationLayer;
  };
  readonly initializers: {
    /** Weights of zeros. */
    zeros(): unknown;
  };
}

/** A layer that applies an activation. */
export interface ActivationLayer {
  /** Gives the activation of every number of `value`. */
  call(value: Tensor, options: object): Tensor | Tensor[];
}

/** A layer of it; a model of layers is one. */
export interface LayerLike {
  readonly name: string;
  readonly layers?: readonly LayerLike[] | undefined;
  readonly weights: readonly { readonly originalName: string; readonly shape: readonly (number | null)[] }[];
  /** Replaces the values of `weights`. */
  setWeights(values: Tensor[]): void;
}

/** A model of layers. */
export interface LayersModelLike extends LayerLike {
  readonly inputNames: readonly string[];
  readonly inputs: readonly InputLike[];
  readonly outputNames: readonly string[];
  /** Runs it on one batch. */
  predictOnBatch(inputs: Tensor[]): Tensor | Tensor[];
  /** Frees its memory. */
  dispose(): void;
}

/** Loads `@tensorflow/tfjs-converter`. Rejects with an `Error` of one line that names what to install. */
export async function loadConverter(): Promise<TfConverter> {
  try {
    return (await import("@tensorflow/tfjs-converter")) as unknown as TfConverter;
  } catch (cause) {
    throw missing(cause, "@tensorflow/tfjs-converter", "graph models");
  }
}

/** Loads `@tensorflow/tfjs-layers`. Rejects with an `Error` of one line that names what to install. */
export async function loadLayers(): Promise<TfLayers> {
  try {
    return (await import("@tensorflow/tfjs-layers")) as unknown as TfLayers;
  } catch (cause) {
    throw missing(cause, "@tensorflow/tfjs-layers", "models of layers");
  }
}

function missing(cause: unknown, name: string, what: string): unknown {
  const { message } = Object(cause) as { message?: unknown };
  if (!String(message).includes("@tensorflow/")) return cause;
  return new Error(`${name} is not installed, expected it for running ${what}: ${INSTALL_PEERS} ${name}`, { cause });
}
