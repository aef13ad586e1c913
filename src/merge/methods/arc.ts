/** Slerp: weights on the arc between whole tensors. Loads on demand. */

import type { Kernels } from "../../kernels/kernels.ts";
import { slerpWeight } from "./slerp-weight.ts";

/** Closer than this to the same or the opposite direction, the arc's sine is too small to divide by: lerp. */
const PARALLEL = 0.9995;

/** The weights of a point at share `lambda` of the arc between two whole tensors (Shoemake 1985). */
export function arcWeights(
  kernels: Kernels,
  wide: boolean,
  a: number,
  b: number,
  count: number,
  lambda: number,
): [number, number] {
  const dot = wide ? kernels.wasm.dot64 : kernels.wasm.dot32;
  const norms = Math.sqrt(dot(a, a, count)) * Math.sqrt(dot(b, b, count));
  const cosine = dot(a, b, count) / norms;
  if (!(Math.abs(cosine) < PARALLEL)) return [1 - lambda, lambda];
  return [slerpWeight(cosine, 1 - lambda), slerpWeight(cosine, lambda)];
}
