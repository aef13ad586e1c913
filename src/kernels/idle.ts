/**
 * Kernels that nobody uses any more, for whoever needs some next. A wasm memory cannot be given back but by the garbage
 * collector, which is in no hurry: a pair that is matched and then merged would hold two, and a hundred pairs many.
 */

import { createKernels, type Kernels } from "./kernels.ts";
import { compileBuild, type ModuleOptions } from "./wasm.ts";

export interface Borrowed {
  readonly kernels: Kernels;
  readonly module: WebAssembly.Module;
  /** The arena's mark when nothing is allocated. */
  readonly empty: number;
}

/** The last ones returned. A weak reference: the collector may have them, as it may what nobody returned. */
let idle: WeakRef<Borrowed> | undefined;

/** Kernels as of `createKernels`, for this caller alone until they are returned; their memory may hold what others left. */
export function borrowKernels(options: ModuleOptions = {}): Borrowed {
  const { module } = compileBuild(options);
  const found = idle?.deref();
  if (found?.module === module) {
    idle = undefined;
    return found;
  }
  const kernels = createKernels(options);
  return { kernels, module, empty: kernels.arena.mark() };
}

/** Frees all that is allocated in them. The caller may not use them any more. */
export function returnKernels(borrowed: Borrowed): void {
  borrowed.kernels.arena.release(borrowed.empty);
  idle = new WeakRef(borrowed);
}

/** The next who borrows gets fresh kernels: for tests of what memory is taken. */
export function forgetIdle(): void {
  idle = undefined;
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
