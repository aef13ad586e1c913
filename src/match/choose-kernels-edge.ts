/** What edge workers have in place of `choose-kernels.ts`: one thread, and no relaxed SIMD. */

import { borrowKernels, returnKernels } from "../kernels/idle.ts";
import type { chooseKernels as anywhere } from "./choose-kernels.ts";

export const chooseKernels: typeof anywhere = async (_outline, _threads, { simd }) => {
  const borrowed = borrowKernels({ simd });
  return { kernels: borrowed.kernels, relaxed: false, end: () => returnKernels(borrowed) };
};
