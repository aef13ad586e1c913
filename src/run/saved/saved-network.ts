/** What networks of files have in common, on TensorFlow.js. */

import * as tf from "@tensorflow/tfjs-core";
import type { TfConverter, TfLayers } from "./loaders.ts";

/** An input of a network. */
export interface SavedInput {
  readonly name: string;
  /** "float32", "int32", "bool" or "string". */
  readonly dtype: string;
  /** An undefined size is open; an undefined shape has an unknown rank. */
  readonly shape: readonly (number | undefined)[] | undefined;
}

/** A value for an input: row-major. */
export interface SavedValue {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number> | readonly string[];
}

/** A network that runs. Dispose it. */
export interface SavedNetwork {
  readonly inputs: readonly SavedInput[];
  readonly outputs: readonly string[];
  /** The outputs that are floats: one array each. */
  run(inputs: ReadonlyMap<string, SavedValue>): Promise<Float32Array[]>;
  dispose(): void;
}

/** The loaders, where they are given. */
export interface SavedLoaders {
  readonly converter?: TfConverter | undefined;
  readonly layers?: TfLayers | undefined;
}

/** Runs `work`; what TensorFlow.js throws becomes a `RangeError` of one line. */
export async function told<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { message, name: kind } = Object(cause) as { message?: unknown; name?: unknown };
    // Those of this package say it themselves; the loaders throw plain errors and ones of Keras' names.
    if (/^(RangeError|FormatError|AbortError)$/.test(String(kind)) || /is not installed/.test(String(message)))
      throw cause;
    const reason = String(message ?? cause).replace(/\s+/g, " ");
    throw new RangeError(`${name} does not run in TensorFlow.js: ${reason.slice(0, 300)}`, { cause });
  }
}

/** A value as a tensor: dispose it. */
export function tensorOf({ dtype, shape, data }: SavedValue): tf.Tensor {
  return tf.tensor(data as number[], [...shape], dtype as "float32");
}

/** The floats among outputs: copies. Frees all of them. */
export async function floatsOf(outputs: tf.Tensor | tf.Tensor[]): Promise<Float32Array[]> {
  const all = Array.isArray(outputs) ? outputs : [outputs];
  try {
    const floats: Float32Array[] = [];
    for (const output of all) if (output.dtype === "float32") floats.push(Float32Array.from(await output.data()));
    return floats;
  } finally {
    tf.dispose(all);
  }
}
