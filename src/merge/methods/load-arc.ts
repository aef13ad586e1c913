/** Loads what a blend of two tensors needs. */

import type { Blend, PairWeights } from "./blend-tensor.ts";

/** Undefined for what the core has. */
export async function loadArc(blend: Blend): Promise<PairWeights | undefined> {
  return blend === "slerp" ? (await import("./arc.ts")).arcWeights : undefined;
}
