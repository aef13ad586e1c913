/**
 * Between the order of a file's tensors and the one that TensorFlow.js computes with: dense `[in, out]`, convolutions
 * `[height, width, in, out]`. Transposed once, since transposing inside `matMul` is ten times slower on wasm. Bits are
 * moved as integers, so that every NaN comes back as it was.
 */

import type { OperationKind } from "./graph.ts";

/** How a tensor is stored in its file. */
export type FileLayout = Extract<OperationKind, { op: "dense" | "conv" }>["layout"] | "vector";

/** For each axis of TensorFlow's order, which axis of the file's it is. */
const AXES: Readonly<Record<FileLayout, readonly number[]>> = {
  "out-in": [1, 0],
  "in-out": [0, 1],
  oihw: [2, 3, 1, 0],
  hwio: [0, 1, 2, 3],
  vector: [0],
};

/** Number of axes of a layout. */
export function rankOf(layout: FileLayout): number {
  return AXES[layout].length;
}

/** A file's shape in TensorFlow's order. */
export function toTensorFlowShape(layout: FileLayout, shape: readonly number[]): number[] {
  return AXES[layout].map((axis) => shape[axis]!);
}

/** Values of a file's tensor in TensorFlow's order. A copy, or the same array where the orders agree. */
export function toTensorFlow(layout: FileLayout, shape: readonly number[], values: Float32Array): Float32Array {
  return transpose(values, shape, AXES[layout]);
}

/** The inverse of `toTensorFlow`; `shape` is the file's. */
export function fromTensorFlow(layout: FileLayout, shape: readonly number[], values: Float32Array): Float32Array {
  const axes = AXES[layout];
  const inverse = axes.map((_, axis) => axes.indexOf(axis));
  return transpose(values, toTensorFlowShape(layout, shape), inverse);
}

/** Axis k of the result is axis `axes[k]` of `values`. */
function transpose(values: Float32Array, shape: readonly number[], axes: readonly number[]): Float32Array {
  if (axes.every((axis, k) => axis === k)) return values;
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const sizes = [1, 1, 1, 1, ...axes.map((axis) => shape[axis]!)].slice(-4) as [number, number, number, number];
  const steps = [0, 0, 0, 0, ...axes.map((axis) => strides[axis]!)].slice(-4) as [number, number, number, number];
  const from = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const to = new Uint32Array(values.length);
  let at = 0;
  for (let i = 0; i < sizes[0]; i++) {
    for (let j = 0; j < sizes[1]; j++) {
      for (let k = 0; k < sizes[2]; k++) {
        const base = i * steps[0] + j * steps[1] + k * steps[2];
        for (let l = 0; l < sizes[3]; l++) to[at++] = from[base + l * steps[3]]!;
      }
    }
  }
  return new Float32Array(to.buffer);
}
