/** Instances of the extra wasm build: Grams, Cholesky, patches, checksums. */

import { createArena } from "./arena.ts";
import type { ExtraExports } from "./extra-exports.ts";
import { compileExtra } from "./extra-wasm.ts";
import { instantiate, type KernelMemory, MEMORY_PAGES, viewsOf } from "./kernels.ts";
import type { BuildOptions } from "./wasm.ts";

/**
 * Extra kernels, their memory, and the arena that hands it out. Views are fresh each call: use them at once, keep
 * none.
 */
export interface ExtraKernels extends KernelMemory {
  /** True for the SIMD build, false for the scalar one. Results have the same bits. */
  readonly simd: boolean;
  readonly wasm: ExtraExports;
}

/**
 * A fresh instance with a fresh memory. Import this file on demand: `const { createExtraKernels } = await
 * import("…/kernels/extra-kernels.ts")`.
 */
export function createExtraKernels(options: BuildOptions = {}): ExtraKernels {
  const { simd, module } = compileExtra(options);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: MEMORY_PAGES });
  const wasm = instantiate<ExtraExports>(module, memory);
  return { simd, memory, wasm, arena: createArena(memory, wasm.heapBase()), ...viewsOf(memory) };
}
