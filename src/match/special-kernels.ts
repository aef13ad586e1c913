/**
 * Kernels that are asked for: on several threads, with relaxed SIMD. Loaded on demand, and absent in edge workers,
 * which have neither.
 */

import { borrowKernels, returnKernels } from "../kernels/idle.ts";
import { createThreadedKernels } from "../kernels/threads.ts";
import type { ChosenKernels, KernelChoice } from "./kernel-choice.ts";

/** Null where neither can be had. */
export async function specialKernels(threads: number | "auto", build: KernelChoice): Promise<ChosenKernels | null> {
  return (threads === 1 ? null : await threadedKernels(threads, build)) ?? relaxedKernels(build);
}

async function threadedKernels(threads: number | "auto", build: KernelChoice): Promise<ChosenKernels | null> {
  const module = await relaxedModule(build, true);
  const kernels = createThreadedKernels({ ...build, threads, module });
  return kernels && { kernels, relaxed: module !== undefined, end: () => kernels.pool.close() };
}

async function relaxedKernels(build: KernelChoice): Promise<ChosenKernels | null> {
  const module = await relaxedModule(build, false);
  if (module === undefined) return null;
  const borrowed = borrowKernels({ ...build, module });
  return { kernels: borrowed.kernels, relaxed: true, end: () => returnKernels(borrowed) };
}

/** Undefined unless it is asked for, can be loaded, and the engine has it. */
async function relaxedModule({ relaxed }: KernelChoice, threads: boolean): Promise<WebAssembly.Module | undefined> {
  if (relaxed !== true) return undefined;
  try {
    return (await import("../kernels/relaxed.ts")).compileRelaxed(threads) ?? undefined;
  } catch {
    return undefined;
  }
}
