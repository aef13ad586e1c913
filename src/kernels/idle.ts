/**
 * Kernels that are free, for the next caller. Only the garbage collector returns a wasm memory, and it may run late: a
 * pair that is matched and then merged would hold two, and a hundred pairs many.
 */

import { createKernels, type Kernels } from "./kernels.ts";
import { compileBuild, type ModuleOptions } from "./wasm.ts";

export interface Borrowed {
  readonly kernels: Kernels;
  readonly module: WebAssembly.Module;
  /** The arena's mark when nothing is allocated. */
  readonly empty: number;
}

/**
 * All that were returned, by build. Weak references: the collector may have them, as it may what nobody returned; but
 * not before the current task ends. So none may be forgotten: each holds an address space of 4 GiB, and engines run out
 * of those.
 */
let idle = new WeakMap<WebAssembly.Module, WeakRef<Borrowed>[]>();

/**
 * Kernels as of `createKernels`, for this caller alone until they are returned; their memory may hold what others
 * left.
 */
export function borrowKernels(options: ModuleOptions = {}): Borrowed {
  const { module } = compileBuild(options);
  const returned = idle.get(module) ?? [];
  while (returned.length > 0) {
    const found = returned.pop()!.deref();
    if (found !== undefined) return found;
  }
  const kernels = createKernels(options);
  return { kernels, module, empty: kernels.arena.mark() };
}

/** Frees all that is allocated in them. The caller may not use them any more. */
export function returnKernels(borrowed: Borrowed): void {
  borrowed.kernels.arena.release(borrowed.empty);
  const others = idle.get(borrowed.module)?.filter((other) => other.deref() !== undefined) ?? [];
  idle.set(borrowed.module, [...others, new WeakRef(borrowed)]);
}

/** The next who borrows gets fresh kernels: for tests of what memory is taken. */
export function forgetIdle(): void {
  idle = new WeakMap();
}

/** Borrows kernels for `work`, which must be done when it returns. */
export function withKernels<T>(options: ModuleOptions, work: (kernels: Kernels) => T): T {
  const borrowed = borrowKernels(options);
  try {
    return work(borrowed.kernels);
  } finally {
    returnKernels(borrowed);
  }
}
