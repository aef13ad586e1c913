/** The cost matrix of one permutation, as matching sees it in its last step. */

import type { Spec } from "../axes/types.ts";
import type { Model } from "../base/model.ts";
import { loadNested } from "../match/load-nested.ts";
import { oneMatrix } from "../match/one-matrix.ts";
import type { Alignment, Permutations } from "../perm/alignment.ts";
import { bindPermutations } from "../perm/bind-permutations.ts";
import { type Pair, pairOf } from "../perm/pair.ts";

/** The cost matrix of one permutation, f32 and row-major, slots of A by units of B: fresh arrays of size². */
export interface CostValues {
  readonly size: number;
  /** Columns in the order of B's file. */
  readonly before: Float32Array<ArrayBuffer>;
  /** Columns in the aligned order: what belongs together is on the diagonal. */
  readonly after: Float32Array<ArrayBuffer>;
}

/**
 * What the last step of a matching saw: C[i, j] is what the objective gains when slot i takes unit j of B, all other
 * permutations as they were found. Reads only the tensors that the permutation acts on.
 *
 * @throws {SpecError} when the models differ, or the spec does not fit them.
 * @throws {RangeError} for a permutation that the spec does not have.
 *
 * @example
 * const { size, after } = await costValues(a, b, spec, permutations, "P0");
 */
export async function costValues(
  a: Model,
  b: Model,
  spec: Spec | Pair,
  alignment: Alignment | Permutations,
  name: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<CostValues> {
  const { resolved } = pairOf(a, b, spec);
  const p = resolved.permutations.findIndex((permutation) => permutation.name === name);
  if (p < 0) {
    const known = resolved.permutations.map((permutation) => permutation.name).join(", ");
    throw new RangeError(`permutation ${name} is not in the spec, expected one of ${known}`);
  }
  const orders = bindPermutations(resolved, alignment);
  const before = await oneMatrix(a, b, resolved, p, orders, await loadNested(resolved), options.signal);
  return { size: orders[p]!.length, before, after: columnsInOrder(before, orders[p]!) };
}

/** Column j of the result is column `order[j]`. */
function columnsInOrder(values: Float32Array, order: Int32Array): Float32Array<ArrayBuffer> {
  const n = order.length;
  const ordered = new Float32Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) ordered[i * n + j] = values[i * n + order[j]!]!;
  return ordered;
}
