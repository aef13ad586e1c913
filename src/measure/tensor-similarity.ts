/** How alike the tensors of two models are before and after aligning, and what a permutation's costs look like. */

import { isFloat } from "../base/dtype.ts";
import { elementCount, type Model } from "../base/model.ts";
import { createYielder } from "../base/progress.ts";
import { decodeFloats } from "../kernels/float-values.ts";
import { createKernels, type Kernels } from "../kernels/kernels.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import { type AlignedPair, pairOf } from "../perm/pair.ts";
import { costValues } from "./cost-values.ts";

/** Cosine similarities of one float tensor; 0 where a norm is 0. */
export interface TensorSimilarity {
  readonly name: string;
  /** Of A and B as they are. */
  readonly naive: number;
  /** Of A and π(B). */
  readonly aligned: number;
}

/** Values of one float tensor as f32. A copy. */
async function floatsOf(kernels: Kernels, model: Model, name: string): Promise<Float32Array> {
  const { dtype, shape } = model.tensors.get(name)!;
  return decodeFloats(kernels, await model.read(name), dtype, elementCount(shape));
}

/** In f64, in order. */
function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function cosine(a: Float32Array, b: Float32Array): number {
  const norms = Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b));
  return norms === 0 ? 0 : dot(a, b) / norms;
}

/**
 * For every float tensor, its cosine similarity between A and B and between A and π(B).
 *
 * @throws {SpecError} when models, spec and permutations do not fit each other.
 *
 * @example
 * const [first] = await tensorSimilarities({ a, b, spec, permutations });
 */
export async function tensorSimilarities(
  { a, b, spec, permutations }: AlignedPair,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<TensorSimilarity[]> {
  const kernels = createKernels();
  const moved = await applyPermutations(b, spec, permutations);
  const pause = createYielder(options.signal);
  const found: TensorSimilarity[] = [];
  for (const [name, { dtype }] of a.tensors) {
    if (!isFloat(dtype)) continue;
    await pause();
    const read = (model: Model): Promise<Float32Array> => floatsOf(kernels, model, name);
    const [ofA, ofB, ofMoved] = [await read(a), await read(b), await read(moved)];
    found.push({ name, naive: cosine(ofA, ofB), aligned: cosine(ofA, ofMoved) });
  }
  return found;
}

/** `values[i·size + j]`: inner product of unit i of A and unit j of π(B), over all tensors that vote. */
export interface CostMap {
  readonly name: string;
  readonly size: number;
  readonly values: Float32Array;
}

/**
 * The cost matrices at the alignment found: with everything else aligned, what each pair of units has in common. Where
 * aligning worked, the diagonal is clearly visible.
 *
 * @throws {SpecError} when models, spec and permutations do not fit each other.
 * @throws {RangeError} for a name that is no permutation of the spec.
 *
 * @example
 * const [first] = await costMaps({ a, b, spec, permutations }, ["P0"]);
 */
export async function costMaps(
  { a, b, spec, permutations }: AlignedPair,
  names: readonly string[],
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<CostMap[]> {
  const pair = pairOf(a, b, spec);
  const maps: CostMap[] = [];
  for (const name of names) {
    const { size, after } = await costValues(a, b, pair, permutations, name, { signal: options.signal });
    maps.push({ name, size, values: after });
  }
  return maps;
}
