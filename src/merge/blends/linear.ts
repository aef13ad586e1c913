/** Σ w·W / Σ w, summed in the models' order. */

import type { BlendInput } from "./blend.ts";
import { addScaled, divideBy } from "./sums.ts";

/** One tensor of the weighted mean, or of the weighted sum without `normalize`. */
export async function linear(input: BlendInput): Promise<Float64Array> {
  const { weights, normalize } = input.settings;
  const sum = await input.values(0);
  // A copy of the first and not a sum from 0: −0 stays −0.
  for (let e = 0; e < sum.length; e++) sum[e]! *= weights![0]!;
  for (let i = 1; i < input.models; i++) addScaled(sum, await input.values(i), weights![i]!);
  if (normalize) divideBy(sum, totalWeight(input));
  return sum;
}

/** Σ w. Throws `RangeError` where it is 0: there is no mean then. */
function totalWeight({ name, settings }: BlendInput): number {
  const total = settings.weights!.reduce((sum, weight) => sum + weight, 0);
  if (Math.abs(total) < 1e-8)
    throw new RangeError(`${name}: weights ${settings.weights!.join(", ")} sum to ${total}, expected another sum`);
  return total;
}
