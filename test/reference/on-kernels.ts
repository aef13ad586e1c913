/** Puts arrays into wasm memory between guard bytes, runs something, and checks that nothing else was written. */

import { createRng, type Rng } from "../../src/base/rng.ts";
import { createKernels, type KernelMemory, type Kernels } from "../../src/kernels/kernels.ts";

const GUARD_BYTES = 96;
const GUARD = 0xa5;

/** Both builds: suites run over them, and compare them with each other. */
export const BUILDS: readonly Kernels[] = [createKernels({ simd: true }), createKernels({ simd: false })];

export function buildName(kernels: Pick<Kernels, "simd">): string {
  return kernels.simd ? "simd" : "scalar";
}

/** Areas of wasm memory with guards around them. */
export class Bench {
  readonly kernels: KernelMemory;
  readonly #areas: { pointer: number; bytes: number }[] = [];
  readonly #mark: number;

  constructor(kernels: KernelMemory) {
    this.kernels = kernels;
    this.#mark = kernels.arena.mark();
  }

  /** Address of `bytes` bytes of garbage, `misalign` bytes off any alignment. */
  area(bytes: number, misalign = 4): number {
    const start = this.kernels.arena.allocate(bytes + 2 * GUARD_BYTES);
    this.kernels.u8(start, bytes + 2 * GUARD_BYTES).fill(GUARD);
    const pointer = start + GUARD_BYTES - 32 + misalign;
    this.#areas.push({ pointer, bytes });
    return pointer;
  }

  /** Address of a copy of `data`. */
  put(data: Float32Array | Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array, misalign = 4): number {
    const pointer = this.area(data.byteLength, misalign);
    this.kernels.u8(pointer, data.byteLength).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return pointer;
  }

  /** Copy of `bytes` bytes at `pointer`, in a buffer of their own. */
  take(pointer: number, bytes: number): ArrayBuffer {
    return this.kernels.u8(pointer, bytes).slice().buffer;
  }

  /** Checks every guard and frees the areas. */
  done(): void {
    for (const { pointer, bytes } of this.#areas) {
      const before = this.kernels.u8(pointer - 60, 60);
      const after = this.kernels.u8(pointer + bytes, 60);
      if (before.some((byte) => byte !== GUARD)) throw new Error("wrote before an area");
      if (after.some((byte) => byte !== GUARD)) throw new Error("wrote behind an area");
    }
    this.kernels.arena.release(this.#mark);
  }
}

/** n numbers with a full mantissa in (−1, 1), a few of them zero. */
export function randomF32(n: number, rng: Rng | number): Float32Array {
  const from = typeof rng === "number" ? createRng(rng) : rng;
  return Float32Array.from({ length: n }, () => (from.below(16) === 0 ? 0 : from.uniform() * 2 - 1));
}

/** n integers in [0, below). */
export function randomI32(n: number, below: number, rng: Rng): Int32Array {
  return Int32Array.from({ length: n }, () => rng.below(below));
}
