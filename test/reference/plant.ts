/** Planted instances: a model and a renumbered copy of it, with the permutations that undo the renumbering. */

import { resolveSpec } from "../../src/axes/resolve-spec.ts";
import type { Spec } from "../../src/axes/types.ts";
import type { Model } from "../../src/base/model.ts";
import { type Rng, randomPermutation } from "../../src/base/rng.ts";
import { applyPermutations } from "../../src/perm/apply-permutations.ts";
import { invertPermutation } from "../../src/perm/permutation.ts";

/** Random permutations of everything the spec lets move, nested ones inside their blocks. */
export function randomPermutations(spec: Spec, model: Model, rng: Rng): Map<string, Int32Array> {
  const { permutations } = resolveSpec(spec, model.tensors);
  const orders = permutations.map(({ size, outer }) => (outer < 0 ? randomPermutation(size, rng) : null));
  const fill = (p: number): Int32Array => {
    const { size, outer, inner } = permutations[p]!;
    if (orders[p] !== null) return orders[p]!;
    const nested = new Int32Array(size);
    fill(outer).forEach((block, h) => {
      nested.set(
        randomPermutation(inner, rng).map((r) => block * inner + r),
        h * inner,
      );
    });
    orders[p] = nested;
    return nested;
  };
  for (const p of permutations.keys()) fill(p);
  return new Map(permutations.map(({ name }, p) => [name, orders[p]!]));
}

/** B = the model renumbered at random, and the permutations that make it A again. */
export async function plant(
  spec: Spec,
  model: Model,
  rng: Rng,
): Promise<{ b: Model; answer: Map<string, Int32Array> }> {
  const given = randomPermutations(spec, model, rng);
  const b = await applyPermutations(model, spec, given);
  return { b, answer: new Map([...given].map(([name, order]) => [name, invertPermutation(order)])) };
}
