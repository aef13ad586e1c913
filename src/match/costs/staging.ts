/**
 * One tensor of A and one of B at a time in wasm memory as f32, whatever the file holds. The models themselves stay
 * where they are: wasm cannot read JavaScript memory, so what a kernel needs is copied in, and widened on the way.
 */

import { widen } from "../../kernels/convert.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import type { VotingTensor } from "./problem.ts";

export interface Staging {
  /** Pointer to tensor `t` of A as f32, times `scale`; valid until the next call. */
  stageA(tensor: VotingTensor, scale?: number): number;
  /** Pointer to tensor `t` of B as f32; valid until the next call. */
  stageB(tensor: VotingTensor): number;
}

/** Writes the values of a tensor as f32 to `pointer`. */
export type StageTensor = (pointer: number, bytes: Uint8Array, tensor: VotingTensor) => void;

/** The same for the tensors of A and for those of B. */
export type Stages = readonly [a: StageTensor, b: StageTensor];

/** As they are; with `sanitize`, NaN and infinities are staged as 0. */
export function plainStages(kernels: Kernels, sanitize: boolean): Stages {
  const stage: StageTensor = (pointer, bytes, { dtype, elements }) => {
    widen(kernels, pointer, bytes, dtype, elements);
    if (sanitize) kernels.wasm.zeroNonfinite32(pointer, elements);
  };
  return [stage, stage];
}

/** Stages at the addresses `a` and `b`. */
export function createStaging(kernels: Kernels, a: number, b: number, [writeA, writeB]: Stages): Staging {
  // What is in place is not copied again: cost and objective of one tensor follow each other.
  let heldA: { tensor: VotingTensor; scale: number } | null = null;
  let heldB: VotingTensor | null = null;
  return {
    stageA: (tensor, scale = 1) => {
      if (heldA?.tensor !== tensor || heldA.scale !== scale) {
        writeA(a, tensor.a, tensor);
        if (scale !== 1) kernels.wasm.combine32(a, a, a, tensor.elements, scale, 0);
        heldA = { tensor, scale };
      }
      return a;
    },
    stageB: (tensor) => {
      if (heldB !== tensor) writeB(b, tensor.b, tensor);
      heldB = tensor;
      return b;
    },
  };
}
