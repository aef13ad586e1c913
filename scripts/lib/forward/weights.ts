/**
 * A model's tensors on the TF.js backend, in the layouts its operations want: dense `[in, out]`, convolutions
 * `[height, width, in, out]`. Transposed once here, since transposing inside `matMul` is ten times slower on wasm.
 */

import * as tf from "@tensorflow/tfjs-core";
import type { FloatTensor } from "../decode.ts";

/** Tensors by name. Everything handed out stays until `dispose`. */
export interface Weights {
  readonly names: readonly string[];
  has(name: string): boolean;
  /** Shape in the file. Throws `RangeError` for an unknown name. */
  shape(name: string): readonly number[];
  /** PyTorch `[out, in]` as `[in, out]`. */
  dense(name: string): tf.Tensor2D;
  /** PyTorch `[out, in, height, width]` as `[height, width, in, out]`. */
  conv(name: string): tf.Tensor4D;
  vector(name: string): tf.Tensor1D;
  /** Names that nothing asked for: the network that was built is not the network that was stored. */
  unused(): string[];
  dispose(): void;
}

/** `new[j][i] = old[i][j]` on blocks of `inner` elements. Returns a copy. */
function transposeBlocks(values: Float32Array, rows: number, columns: number, inner: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      for (let k = 0; k < inner; k++) result[(j * rows + i) * inner + k] = values[(i * columns + j) * inner + k]!;
    }
  }
  return result;
}

/** Weights over tensors in memory. Nothing is uploaded before it is asked for. */
export function createWeights(tensors: ReadonlyMap<string, FloatTensor>): Weights {
  const made: tf.Tensor[] = [];
  const used = new Set<string>();
  const take = (name: string, rank?: number): FloatTensor => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new RangeError(`tensor ${name} is missing, expected it in this network`);
    if (rank !== undefined && tensor.shape.length !== rank)
      throw new RangeError(`tensor ${name} has shape [${tensor.shape}], expected ${rank} axes`);
    if (rank !== undefined) used.add(name);
    return tensor;
  };
  const keep = <T extends tf.Tensor>(tensor: T): T => {
    made.push(tf.keep(tensor));
    return tensor;
  };
  return {
    names: [...tensors.keys()],
    has: (name) => tensors.has(name),
    shape: (name) => take(name).shape,
    dense: (name) => {
      const { shape, values } = take(name, 2);
      const [outs, ins] = shape as [number, number];
      return keep(tf.tensor2d(transposeBlocks(values, outs, ins, 1), [ins, outs]));
    },
    conv: (name) => {
      const { shape, values } = take(name, 4);
      const [outs, ins, height, width] = shape as [number, number, number, number];
      // [out, in, hw] → [in, out, hw] → [hw, in, out]
      const swapped = transposeBlocks(values, outs, ins, height * width);
      return keep(tf.tensor4d(transposeBlocks(swapped, ins * outs, height * width, 1), [height, width, ins, outs]));
    },
    vector: (name) => keep(tf.tensor1d(take(name, 1).values)),
    unused: () => [...tensors.keys()].filter((name) => !used.has(name)),
    dispose: () => tf.dispose(made.splice(0)),
  };
}
