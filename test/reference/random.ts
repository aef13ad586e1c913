/** Seeded test data, the same in every runtime. */

import type { Rng } from "../../src/base/rng.ts";

/** Nearly gaussian, variance 1: a sum of uniforms, since logarithms and cosines differ between engines. */
export function gaussian(rng: Rng): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += rng.uniform();
  return sum;
}

export function gaussianArray(n: number, rng: Rng, scale = 1): Float32Array {
  return Float32Array.from({ length: n }, () => scale * gaussian(rng));
}
