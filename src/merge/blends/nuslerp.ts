/** A slerp by weights, along vectors of a choice, of models or of differences from a base (mergekit's nuslerp). */

import { slerpWeight } from "../methods/slerp-weight.ts";
import type { BlendInput } from "./blend.ts";
import { addScaled } from "./sums.ts";
import { cosineOf, dotOf, vectorsOf } from "./vectors.ts";

/** The sine of an angle below which the arc is the line. */
const PARALLEL = 1e-8;

/** One tensor of the blend. The share of the second model is w₂/(w₁ + w₂). */
export async function nuslerp(input: BlendInput): Promise<Float64Array> {
  const [first, second] = input.settings.weights as readonly [number, number];
  const share = second / (first + second);
  const from = await input.base();
  const [a, b] = from ? [await input.delta(0), await input.delta(1)] : [await input.values(0), await input.values(1)];
  const vectors = vectorsOf(input);
  for (let v = 0; v < vectors.count; v++) {
    const [weightA, weightB] = weightsOf(cosineOf(a, b, vectors, v), share, isZero(a, b, vectors, v));
    for (let k = 0, e = v * vectors.from; k < vectors.length; k++, e += vectors.step)
      a[e] = weightA * a[e]! + weightB * b[e]!;
  }
  if (from !== undefined) addScaled(a, from, 1);
  return a;
}

const isZero = (a: Float64Array, b: Float64Array, vectors: ReturnType<typeof vectorsOf>, v: number): boolean =>
  dotOf(a, a, vectors, v) === 0 || dotOf(b, b, vectors, v) === 0;

function weightsOf(cosine: number, share: number, zero: boolean): readonly [number, number] {
  const isLine = zero || Math.sqrt(1 - cosine * cosine) < PARALLEL;
  return isLine ? [1 - share, share] : [slerpWeight(cosine, 1 - share), slerpWeight(cosine, share)];
}
