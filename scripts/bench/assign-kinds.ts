/** Kinds of cost matrices: easy and hard ones for assignment, and real ones from files. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createRng, randomPermutation } from "../../src/base/rng.ts";
import type { Kernels } from "../../src/kernels/kernels.ts";
import { gaussians } from "./data.ts";
import { UsageError } from "./options.ts";

/** Fills an n×n matrix. */
type Kind = (kernels: Kernels, n: number, seed: number) => Float32Array<ArrayBuffer>;

/** A·Bᵀ of n×k rows: the kernel that makes cost matrices makes these too. */
function product(kernels: Kernels, a: Float32Array, b: Float32Array, n: number): Float32Array<ArrayBuffer> {
  const { arena, wasm, f32 } = kernels;
  const k = a.length / n;
  const mark = arena.mark();
  const [pa, pb, pc] = [arena.allocate(4 * n * k), arena.allocate(4 * n * k), arena.allocate(4 * n * n)];
  const work = arena.allocate(wasm.costWork(n, k) >>> 0);
  f32(pa, n * k).set(a);
  f32(pb, n * k).set(b);
  f32(pc, n * n).fill(0);
  wasm.cost(pc, n, 0, n, n, k, pa, k, 0, pb, k, 0, 0, work);
  const c = f32(pc, n * n).slice();
  arena.release(mark);
  return c;
}

const unrelated =
  (k: (n: number) => number): Kind =>
  (kernels, n, seed) =>
    product(kernels, gaussians(n * k(n), seed), gaussians(n * k(n), seed + 1), n);

/** Units that never fire have rows of zeros: 30 % of A's and, elsewhere, 30 % of B's. */
const dead: Kind = (kernels, n, seed) => {
  const c = unrelated((size) => 2 * size)(kernels, n, seed);
  const rng = createRng(seed + 2);
  const count = Math.round(0.3 * n);
  for (const i of randomPermutation(n, rng).subarray(0, count)) c.fill(0, i * n, (i + 1) * n);
  for (const j of randomPermutation(n, rng).subarray(0, count)) for (let i = 0; i < n; i++) c[i * n + j] = 0;
  return c;
};

/** B is A with its units in another order, and noise of twice A's size. */
const trained: Kind = (kernels, n, seed) => {
  const k = 2 * n;
  const a = gaussians(n * k, seed);
  const b = gaussians(n * k, seed + 1);
  const hidden = randomPermutation(n, createRng(seed + 2));
  for (let i = 0; i < n; i++)
    for (let kk = 0; kk < k; kk++) b[hidden[i]! * k + kk] = 2 * b[hidden[i]! * k + kk]! + a[i * k + kk]!;
  return product(kernels, a, b, n);
};

const fill =
  (value: (bits: number) => number): Kind =>
  (_kernels, n, seed) => {
    const { uint32 } = createRng(seed);
    return Float32Array.from({ length: n * n }, () => value(uint32()));
  };

const KINDS: Readonly<Record<string, Kind>> = {
  uniform: fill((bits) => (bits >>> 8) / 2 ** 24),
  unrelated: unrelated((n) => 2 * n),
  "rank-1": unrelated(() => 1),
  "rank-3": unrelated(() => 3),
  "rank-27": unrelated(() => 27),
  dead,
  integers: fill((bits) => Math.floor((bits / 2 ** 32) * 10)),
  trained,
};

export const KIND_NAMES: readonly string[] = Object.keys(KINDS);

/** An n×n matrix of a kind, the same for the same arguments. Throws `UsageError` for a kind that is none. */
export function makeMatrix(kernels: Kernels, kind: string, n: number, seed: number): Float32Array<ArrayBuffer> {
  if (!Object.hasOwn(KINDS, kind)) throw new UsageError(`kind "${kind}", expected one of ${KIND_NAMES.join(", ")}`);
  return KINDS[kind]!(kernels, n, seed);
}

/** A cost matrix of two real models. */
export interface RealMatrix {
  readonly name: string;
  readonly n: number;
  read(): Float32Array<ArrayBuffer>;
}

/** The matrices that `bench match --dump DIR` wrote: little-endian f32, n×n. Throws `UsageError` for a file of another size. */
export function realMatrices(directory: string): RealMatrix[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith(".f32"))
    .sort()
    .map((file) => {
      const read = (): Float32Array<ArrayBuffer> => {
        const bytes = readFileSync(join(directory, file));
        return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
      };
      const n = Math.sqrt(read().length);
      if (!Number.isInteger(n)) throw new UsageError(`${file} has ${n * n} elements, expected a square`);
      return { name: file.replace(/\.f32$/, ""), n, read };
    });
}
