/** Tensors as vectors: the whole tensor, or the runs along its last or first axis. */

import type { Along, BlendInput } from "./blend.ts";

/** Element k of vector v is at v·from + k·step. */
export interface Vectors {
  readonly count: number;
  readonly length: number;
  readonly from: number;
  readonly step: number;
}

/** What a tensor's vectors are. */
export function vectorsOf({ shape, settings }: BlendInput): Vectors {
  const along: Along = settings.along ?? "tensor";
  const elements = shape.reduce((product, size) => product * size, 1);
  const length = along === "tensor" ? elements : along === "last" ? shape.at(-1)! : shape[0]!;
  const count = length === 0 ? 0 : elements / length;
  return along === "first" ? { count, length, from: 1, step: count } : { count, length, from: length, step: 1 };
}

/** ⟨a, b⟩ of vector number `v`. */
export function dotOf(a: Float64Array, b: Float64Array, { length, from, step }: Vectors, v: number): number {
  let sum = 0;
  for (let k = 0, e = v * from; k < length; k++, e += step) sum += a[e]! * b[e]!;
  return sum;
}

/** The cosine of the angle between two, −1 to 1; 0 where one of them is zero. */
export function cosineOf(a: Float64Array, b: Float64Array, vectors: Vectors, v: number): number {
  const product = Math.sqrt(dotOf(a, a, vectors, v)) * Math.sqrt(dotOf(b, b, vectors, v));
  return product > 0 ? Math.max(-1, Math.min(1, dotOf(a, b, vectors, v) / product)) : 0;
}
