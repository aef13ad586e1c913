/** An instance of the wasm kernels with its own memory, and views of that memory. */

import { Arena } from "./arena.ts";
import type { KernelExports } from "./exports.ts";
import { type BuildOptions, compileBuild } from "./wasm.ts";

/** Kernels, their memory, and the arena that hands it out. Views are fresh each call: use them at once, keep none. */
export interface Kernels {
  /** True for the SIMD build, false for the scalar one. Results have the same bits. */
  readonly simd: boolean;
  readonly memory: WebAssembly.Memory;
  readonly wasm: KernelExports;
  readonly arena: Arena;
  /** View of `length` elements at byte address `pointer`; so are the others. */
  f32(pointer: number, length: number): Float32Array<ArrayBuffer>;
  f64(pointer: number, length: number): Float64Array<ArrayBuffer>;
  i32(pointer: number, length: number): Int32Array<ArrayBuffer>;
  u8(pointer: number, length: number): Uint8Array<ArrayBuffer>;
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
export function createKernels(options: BuildOptions = {}): Kernels {
  const { simd, module } = compileBuild(options);
  // The maximum is an address range, not an allocation, and must be the one the module declares.
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const wasm = instance.exports as unknown as KernelExports;
  return {
    simd,
    memory,
    wasm,
    arena: new Arena(memory, wasm.heapBase()),
    f32: (pointer, length) => new Float32Array(memory.buffer as ArrayBuffer, pointer, length),
    f64: (pointer, length) => new Float64Array(memory.buffer as ArrayBuffer, pointer, length),
    i32: (pointer, length) => new Int32Array(memory.buffer as ArrayBuffer, pointer, length),
    u8: (pointer, length) => new Uint8Array(memory.buffer as ArrayBuffer, pointer, length),
  };
}
