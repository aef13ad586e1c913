/** One thread or several: what a matching computes on. */

import { createKernels, type Kernels } from "../kernels/kernels.ts";
import type { BuildOptions } from "../kernels/wasm.ts";
import { dimsCount } from "./offsets.ts";
import type { Outline } from "./problem.ts";

/** Multiply-adds of all cost matrices once, from which "auto" takes threads: a matching computes them several times. */
const AUTO_WORK = 3e8;

/**
 * Kernels for a matching of `outline` on `threads` threads, with memory of their own; the caller closes their pool. One
 * thread where that is asked for, where "auto" finds too little to do, and where nothing else can be had.
 */
export async function chooseKernels(outline: Outline, threads: number | "auto", build: BuildOptions): Promise<Kernels> {
  const alone = threads === 1 || (threads === "auto" && multiplyAdds(outline) < AUTO_WORK);
  return (alone ? null : await threadedKernels(threads, build)) ?? createKernels(build);
}

async function threadedKernels(threads: number | "auto", build: BuildOptions): Promise<Kernels | null> {
  try {
    const { createThreadedKernels } = await import("../kernels/threads.ts");
    return createThreadedKernels({ ...build, threads });
  } catch {
    // Threads only make it faster: where their code cannot be loaded (a page that has gone offline), go without.
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
