/** Reads the weights of a TensorFlow.js model. */

import type { BytePart } from "../../base/model.ts";
import { dequantise } from "./quantise.ts";
import type { PlacedWeight, TfjsContainer } from "./tfjs-container.ts";

/** A tensor's values as bytes of its dtype. */
export async function readWeight(
  { groups }: TfjsContainer,
  { group, offset, byteLength, quantization, dtype }: PlacedWeight,
  signal?: AbortSignal,
  part?: BytePart,
): Promise<Uint8Array> {
  const [begin, end] = (quantization === undefined && part) || [0, byteLength];
  const stored = await groups[group]!.all.slice(offset + begin, offset + end, signal);
  return quantization === undefined || !("scale" in quantization)
    ? stored
    : dequantise(stored, quantization, dtype === "I32");
}
