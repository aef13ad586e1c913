/** The distance of two models as they are. */

import { isFloat } from "../base/dtype.ts";
import { elementCount, type Model } from "../base/model.ts";
import type { Running } from "../base/options.ts";
import { createYielder } from "../base/progress.ts";
import { widen } from "../kernels/convert.ts";
import { createKernels } from "../kernels/kernels.ts";

/** Over all float tensors together, each widened or rounded to f32; sums in f64. */
export interface Distance {
  readonly l2: number;
  readonly normA: number;
  readonly normB: number;
  /** 0 when a norm is. */
  readonly cosine: number;
}

/** ‖A − B‖, the norms and the cosine of two models with the same tensors. NaN anywhere makes the figures NaN. */
export async function modelDistance(a: Model, b: Model, options: Running = {}): Promise<Distance> {
  const kernels = createKernels();
  const pause = createYielder(options.signal);
  let [aa, bb, ab, difference] = [0, 0, 0, 0];
  let done = 0;
  for (const [name, { dtype, shape }] of a.tensors) {
    await pause();
    options.onProgress?.({ stage: "read", done: ++done, total: a.tensors.size });
    if (!isFloat(dtype)) continue;
    const count = elementCount(shape);
    const [bytesA, bytesB] = [await a.read(name, options.signal), await b.read(name, options.signal)];
    const mark = kernels.arena.mark();
    const [pa, pb] = [kernels.arena.allocate(4 * count), kernels.arena.allocate(4 * count)];
    widen(kernels, pa, bytesA, dtype, count);
    widen(kernels, pb, bytesB, dtype, count);
    aa += kernels.wasm.dot32(pa, pa, count);
    bb += kernels.wasm.dot32(pb, pb, count);
    ab += kernels.wasm.dot32(pa, pb, count);
    // From the differences themselves: aa + bb − 2ab would cancel for models that are close.
    kernels.wasm.combine32(pa, pa, pb, count, 1, -1);
    difference += kernels.wasm.dot32(pa, pa, count);
    kernels.arena.release(mark);
  }
  const [normA, normB] = [Math.sqrt(aa), Math.sqrt(bb)];
  return {
    l2: Math.sqrt(difference),
    normA,
    normB,
    cosine: normA * normB === 0 ? 0 : ab / (normA * normB),
  };
}
