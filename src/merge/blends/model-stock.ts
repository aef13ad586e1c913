/** Model Stock (Jang, Yun, Han 2024, arXiv 2403.19522): the mean of fine-tunes, drawn to the base by their angles. */

import type { BlendInput } from "./blend.ts";
import { addScaled } from "./sums.ts";
import { cosineOf, vectorsOf } from "./vectors.ts";

/**
 * W₀ + t · mean difference, with t = N·c / (1 + (N − 1)·c), where c ≥ 0 is the mean cosine between differences. If
 * differences point apart on average, the result is the base: the formula would turn around.
 */
export async function modelStock(input: BlendInput): Promise<Float64Array> {
  const { models } = input;
  const deltas: Float64Array[] = [];
  for (let i = 0; i < models; i++) deltas.push(await input.delta(i));
  const vectors = vectorsOf(input);
  const sum = new Float64Array(deltas[0]!.length);
  for (const delta of deltas) addScaled(sum, delta, 1 / models);
  for (let v = 0; v < vectors.count; v++) {
    let cosines = 0;
    for (let i = 0; i < models; i++)
      for (let j = 0; j < i; j++) cosines += cosineOf(deltas[i]!, deltas[j]!, vectors, v);
    const c = Math.max(0, cosines / ((models * (models - 1)) / 2));
    const t = (models * c) / (1 + (models - 1) * c);
    for (let k = 0, e = v * vectors.from; k < vectors.length; k++, e += vectors.step) sum[e]! *= t;
  }
  addScaled(sum, (await input.base())!, 1);
  return sum;
}
