/** Seeded data, the same on every machine. */

import { createRng } from "../../src/base/rng.ts";

/** `length` nearly gaussian values, mean 0 and standard deviation 1: sums of four bytes, with low bits of their own. */
export function gaussians(length: number, seed: number): Float32Array<ArrayBuffer> {
  const { uint32 } = createRng(seed);
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const bits = uint32();
    const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
    values[i] = (sum - 510 + (uint32() & 4095) / 4096 - 0.5) / 147.8;
  }
  return values;
}

/** Seeds of a bench's parts that do not meet: `seed` the user's, `part` anything. */
export function partSeed(seed: number, ...parts: readonly number[]): number {
  return parts.reduce((mixed, part) => (mixed * 1009 + part) % 2 ** 43, seed);
}
