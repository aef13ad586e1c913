/** Which kernels a matching computes with. */

import type { Computing } from "../base/options.ts";
import type { Kernels } from "../kernels/kernels.ts";

export type KernelChoice = Pick<Computing, "simd" | "relaxed">;

export interface ChosenKernels {
  readonly kernels: Kernels;
  /** Whether they are the relaxed-SIMD build. */
  readonly relaxed: boolean;
  /** To be called when nothing uses them any more. */
  end(): void;
}
