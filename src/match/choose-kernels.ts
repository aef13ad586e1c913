/** One thread or several: what a matching computes on. */

import { borrowKernels, returnKernels } from "../kernels/idle.ts";
import { dimsCount } from "./costs/offsets.ts";
import type { Outline } from "./costs/problem.ts";
import type { ChosenKernels, KernelChoice } from "./kernel-choice.ts";

/** Multiply-adds of all cost matrices once, from which "auto" takes threads: a matching computes them several times. */
const AUTO_WORK = 3e8;

/**
 * Kernels for a matching of `outline` on `threads` threads, with their own memory; the caller ends their use. One
 * thread computes on request, where "auto" finds too little to do, and where threads are missing.
 */
export async function chooseKernels(
  outline: Outline,
  threads: number | "auto",
  build: KernelChoice,
): Promise<ChosenKernels> {
  const alone = threads === 1 || (threads === "auto" && multiplyAdds(outline) < AUTO_WORK);
  const special = alone && build.relaxed !== true ? null : await loadSpecial(alone ? 1 : threads, build);
  if (special !== null) return special;
  const borrowed = borrowKernels({ simd: build.simd });
  return { kernels: borrowed.kernels, relaxed: false, end: () => returnKernels(borrowed) };
}

async function loadSpecial(threads: number | "auto", build: KernelChoice): Promise<ChosenKernels | null> {
  try {
    return await (await import("./special-kernels.ts")).specialKernels(threads, build);
  } catch {
    // They only make it faster: where their code cannot be loaded (a page that has gone offline), go without.
    return null;
  }
}

function multiplyAdds({ permutations, occurrences }: Outline): number {
  let sum = 0;
  permutations.forEach(({ size }, p) => {
    for (const { cell } of occurrences[p]!) sum += size * dimsCount(cell.dims);
  });
  return sum;
}
