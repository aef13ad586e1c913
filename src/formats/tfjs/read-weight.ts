/** Reads the weights of a TensorFlow.js model. */

import { dequantise } from "./quantise.ts";
import type { PlacedWeight, TfjsContainer } from "./tfjs-container.ts";

/** A tensor's values as bytes of its dtype. */
export async function readWeight(
  { groups }: TfjsContainer,
  { group, offset, byteLength, quantization, dtype }: PlacedWeight,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const stored = await groups[group]!.all.slice(offset, offset + byteLength, signal);
  return quantization === undefined || !("scale" in quantization)
    ? stored
    : dequantise(stored, quantization, dtype === "I32");
}
