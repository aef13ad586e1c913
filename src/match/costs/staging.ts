/**
 * One tensor of A and one of B at a time in wasm memory as f32, from any dtype. The models themselves stay where they
 * are: wasm cannot read JavaScript memory, so what a kernel needs is copied in, and widened on the way.
 */

import { elementBytes } from "../../base/dtype.ts";
import { widen } from "../../kernels/convert.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import type { Problem, TensorOutline } from "./problem.ts";
import type { ModelSide } from "./voting-values.ts";

/** Byte addresses of a tensor of A and the same of B, as f32. */
export interface Staged {
  readonly a: number;
  readonly b: number;
}

export interface Staging {
  /** Tensor number `tensor` of A times `scale`, and of B, or `other` of B; in place until the next call. */
  stage(tensor: number, scale?: number, other?: number): Promise<Staged>;
  /** The values of voting tensors have changed: what is in place is none of them. */
  forget(): void;
}

/** Writes some values of a tensor as f32 to `pointer`. */
export type WriteValues = (pointer: number, bytes: Uint8Array, tensor: TensorOutline, count: number) => void;

/** The same for the tensors of A and for those of B. */
export type Writers = readonly [a: WriteValues, b: WriteValues];

/** As they are; with `sanitize`, NaN and infinities are staged as 0. */
export function plainWriters(kernels: Kernels, sanitize: boolean): Writers {
  const write: WriteValues = (pointer, bytes, { dtype }, count) => {
    widen(kernels, pointer, bytes, dtype, count);
    if (sanitize) kernels.wasm.zeroNonfinite32(pointer, count);
  };
  return [write, write];
}

/** Stages at the addresses of `at`. */
export function createStaging(
  kernels: Kernels,
  { tensors, values }: Pick<Problem, "tensors" | "values">,
  at: Staged,
  [writeA, writeB]: Writers,
): Staging {
  const bring = async (side: ModelSide, t: number, write: WriteValues): Promise<void> => {
    const tensor = tensors[t]!;
    const size = elementBytes(tensor.dtype);
    await values.read(side, t, (bytes, from) => write(at[side] + 4 * from, bytes, tensor, bytes.length / size));
  };
  // What is in place is not copied again: cost and objective of one tensor follow each other.
  const held = { a: -1, b: -1, scale: 1 };
  return {
    async stage(t, scale = 1, other = t) {
      if (held.a !== t || held.scale !== scale) {
        held.a = -1;
        await bring("a", t, writeA);
        if (scale !== 1) kernels.wasm.combine32(at.a, at.a, at.a, tensors[t]!.elements, scale, 0);
        [held.a, held.scale] = [t, scale];
      }
      if (held.b !== other) {
        held.b = -1;
        await bring("b", other, writeB);
        held.b = other;
      }
      return at;
    },
    forget() {
      [held.a, held.b] = [-1, -1];
    },
  };
}
