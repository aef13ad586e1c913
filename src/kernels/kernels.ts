/** An instance of the wasm kernels with its own memory, and views of that memory. */

import { type Arena, createArena } from "./arena.ts";
import type { KernelExports } from "./exports.ts";
import { compileBuild, type ModuleOptions } from "./wasm.ts";

/**
 * Shares the columns of `cost` out over threads, or, in the kernels of one thread, over none. Columns are split and
 * never a sum, so the bits are the same with any number of threads.
 */
export interface Pool {
  /** Threads that compute, the calling one included. */
  readonly threads: number;
  /** Bytes of work area that `cost` needs here: one area for each thread. */
  workBytes(columns: number, k: number): number;
  /**
   * The `cost` kernel, with a work area of `workBytes`. Nothing it reads or writes may be touched, nor memory be
   * allocated, until it resolves; one call at a time. Rejects when a thread dies, and leaves C undefined then.
   */
  cost(...call: Parameters<KernelExports["cost"]>): Promise<void>;
  /** Stops the threads. From then on the calling thread computes alone. */
  close(): void;
}

/** A wasm memory, views of it, and the arena that hands it out. */
export interface KernelMemory {
  readonly memory: WebAssembly.Memory;
  readonly arena: Arena;
  /** View of `length` f32 at byte address `pointer`. */
  f32(pointer: number, length: number): Float32Array<ArrayBuffer>;
  /** View of `length` f64. */
  f64(pointer: number, length: number): Float64Array<ArrayBuffer>;
  /** View of `length` i32. */
  i32(pointer: number, length: number): Int32Array<ArrayBuffer>;
  /** View of `length` bytes. */
  u8(pointer: number, length: number): Uint8Array<ArrayBuffer>;
}

/** Kernels, their memory, and the arena that hands it out. Views are fresh each call: use them at once, keep none. */
export interface Kernels extends KernelMemory {
  /** True for the SIMD build, false for the scalar one. Results have the same bits. */
  readonly simd: boolean;
  readonly wasm: KernelExports;
  /** Threads of these kernels; one, unless they were made for more. */
  readonly pool: Pool;
}

/**
 * A fresh instance with a fresh memory: nothing is shared between calls but compiled code. The memory is freed by the
 * garbage collector. SIMD is used where the engine has it; `{ simd: false }` forces the scalar build.
 *
 * @example
 * const { wasm, arena, f32 } = createKernels();
 * const a = arena.allocate(4 * 3);
 * f32(a, 3).set([1, 2, 3]);
 * wasm.sum32(a, 3); // 6
 */
export function createKernels(options: ModuleOptions = {}): Kernels {
  const { simd, module } = compileBuild(options);
  // The maximum is an address range, not an allocation, and must be the one the module declares.
  const memory = new WebAssembly.Memory({ initial: 1, maximum: MEMORY_PAGES });
  const wasm = instantiate(module, memory);
  const arena = createArena(memory, wasm.heapBase());
  return { simd, memory, wasm, arena, pool: singleThread(wasm), ...viewsOf(memory) };
}

/** Pages of memory at most, as the modules declare it: all that 32-bit addresses reach. */
export const MEMORY_PAGES = 65536;

export function instantiate<Exports = KernelExports>(module: WebAssembly.Module, memory: WebAssembly.Memory): Exports {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
}

/**
 * Views of a memory. Of a shared one they are typed as if it were not: `slice()` and `set()` copy out of it all the
 * same.
 */
export function viewsOf(memory: WebAssembly.Memory): Pick<KernelMemory, "f32" | "f64" | "i32" | "u8"> {
  return {
    f32: (pointer, length) => new Float32Array(memory.buffer as ArrayBuffer, pointer, length),
    f64: (pointer, length) => new Float64Array(memory.buffer as ArrayBuffer, pointer, length),
    i32: (pointer, length) => new Int32Array(memory.buffer as ArrayBuffer, pointer, length),
    u8: (pointer, length) => new Uint8Array(memory.buffer as ArrayBuffer, pointer, length),
  };
}

function singleThread(wasm: KernelExports): Pool {
  return {
    threads: 1,
    workBytes: (columns, k) => wasm.costWork(columns, k) >>> 0,
    cost: async (...call) => wasm.cost(...call),
    close: () => undefined,
  };
}
