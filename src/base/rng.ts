/** The one source of randomness: xoshiro128** seeded through splitmix32, the same numbers in every runtime. */

/** A seeded generator. Holds its own state; two of the same seed give the same sequence. */
export interface Rng {
  /** Uniform 32-bit unsigned integer. */
  uint32(): number;
  /** Uniform in [0, 1), 32 bits of resolution. */
  uniform(): number;
  /** Uniform integer in [0, bound). `bound` from 1 to 2^32. */
  below(bound: number): number;
}

/**
 * A generator from an integer seed (0 … 2^53−1). Throws `RangeError` for anything else.
 *
 * @example
 * const rng = createRng(7);
 * rng.below(10); // the same digit everywhere
 */
export function createRng(seed: number): Rng {
  checkSeed(seed);
  let mix = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0;
  const split = (): number => {
    mix = (mix + 0x9e3779b9) >>> 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  const s = new Uint32Array([split(), split(), split(), split()]);
  const rotl = (x: number, k: number): number => (x << k) | (x >>> (32 - k));
  const uint32 = (): number => {
    const result = Math.imul(rotl(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotl(s[3]!, 11);
    return result;
  };
  return {
    uint32,
    uniform: () => uint32() / 2 ** 32,
    // 32 random bits scaled: the bias of at most bound/2^32 is nothing for shuffles and starts.
    below: (bound) => Math.floor((uint32() / 2 ** 32) * bound),
  };
}

/** Throws `RangeError` for what is no seed. */
export function checkSeed(seed: number): void {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RangeError(`seed ${seed}, expected an integer from 0 to 2^53-1`);
}

/** A uniform random permutation of 0 … n−1 (Fisher–Yates). */
export function randomPermutation(n: number, rng: Rng): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = rng.below(i + 1);
    const t = order[i]!;
    order[i] = order[j]!;
    order[j] = t;
  }
  return order;
}
