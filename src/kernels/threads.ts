/** Kernels on shared memory, with worker threads. Loaded on demand: most programs never need this file. */

import scalarHex from "../../build/rebasin.scalar-threads.wasm";
import simdHex from "../../build/rebasin.simd-threads.wasm";
import { createArena } from "./arena.ts";
import { decodeHex } from "./decode-hex.ts";
import { availableThreads, startWorker } from "./host.ts";
import { instantiate, type Kernels, MEMORY_PAGES, viewsOf } from "./kernels.ts";
import { LEAST_WORK, WorkerPool } from "./pool.ts";
import { chooseSimd, type ModuleOptions } from "./wasm.ts";
import { CONTROL_BYTES } from "./worker-source.ts";

/** Threads that "auto" takes at most: with more, memory is what limits, and each has its own packing area. */
const MOST_AUTO = 8;
/** The most threads, even if more are asked for: a number mistyped must not start a thousand workers. */
const MOST_THREADS = 64;

export interface ThreadOptions extends ModuleOptions {
  /** Threads with the calling one; "auto" is what the machine has, up to 8. At most 64 are used. */
  readonly threads: number | "auto";
  /** Multiply-adds from which a matrix is shared out. Default 4 million, some 0.3 ms of work. */
  readonly leastWork?: number | undefined;
}

const compiled = new Map<boolean, WebAssembly.Module>();

/**
 * Kernels as of `createKernels`, on shared memory and with a pool of threads, which the caller must `close`. Results
 * have the same bits. Null where only one thread is possible: without shared memory (a page that is not cross-origin
 * isolated), without such a module, or with "auto" on one processor.
 *
 * Workers start at the first matrix that is worth it. Grow the memory before (`arena.reserve`).
 *
 * @example
 * const kernels = createThreadedKernels({ threads: 4 }) ?? createKernels();
 * try {
 *   await kernels.pool.cost(...costCall(product));
 * } finally {
 *   kernels.pool.close();
 * }
 */
export function createThreadedKernels(options: ThreadOptions): Kernels | null {
  const threads =
    options.threads === "auto" ? Math.min(MOST_AUTO, availableThreads()) : Math.min(MOST_THREADS, options.threads);
  if (threads < 2 || typeof SharedArrayBuffer === "undefined") return null;
  const simd = options.module !== undefined || chooseSimd(options);
  const memory = sharedMemory();
  const module = memory === null ? null : (options.module ?? compile(simd));
  if (memory === null || module === null) return null;
  const wasm = instantiate(module, memory);
  const arena = createArena(memory, wasm.heapBase());
  const control = arena.allocate(CONTROL_BYTES);
  const { leastWork = LEAST_WORK } = options;
  const pool = new WorkerPool({ threads, module, memory, wasm, control, leastWork, start: startWorker });
  return { simd, memory, wasm, arena, pool, ...viewsOf(memory) };
}

/** Null where the address range cannot be had: unlike ordinary memory, shared memory may be reserved in full. */
function sharedMemory(): WebAssembly.Memory | null {
  try {
    return new WebAssembly.Memory({ initial: 1, maximum: MEMORY_PAGES, shared: true });
  } catch {
    return null;
  }
}

/** Null where the engine has no threads, or may not compile now. */
function compile(simd: boolean): WebAssembly.Module | null {
  let module = compiled.get(simd);
  if (module === undefined) {
    try {
      module = new WebAssembly.Module(decodeHex(simd ? simdHex : scalarHex));
    } catch {
      return null;
    }
    compiled.set(simd, module);
  }
  return module;
}
