/** How alike the tensors of two models are before and after aligning, and what a permutation's costs look like. */

import { cellsOf } from "../axes/cells.ts";
import type { Cell, Dim, ResolvedTensor } from "../axes/types.ts";
import { isFloat } from "../base/dtype.ts";
import { elementCount, type Model } from "../base/model.ts";
import { createYielder } from "../base/progress.ts";
import { costMatrix } from "../kernels/cost-matrix.ts";
import { decodeFloats } from "../kernels/float-values.ts";
import { createKernels, type Kernels } from "../kernels/kernels.ts";
import { enumerateOffsets, inPlace } from "../match/costs/offsets.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import { type AlignedPair, resolvedFor } from "../perm/pair.ts";

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
 * For every float tensor, its cosine similarity between A and B and between A and π(B). Throws `SpecError` when models,
 * spec and permutations do not fit each other.
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
 * aligning worked, the diagonal stands out. Throws `SpecError` as `tensorSimilarities` does, `RangeError` for a name that
 * is no permutation of the spec.
 *
 * @example
 * const [first] = await costMaps({ a, b, spec, permutations }, ["P0"]);
 */
export async function costMaps(
  { a, b, spec, permutations }: AlignedPair,
  names: readonly string[],
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<CostMap[]> {
  const resolved = resolvedFor(a, spec);
  const pair: MappedPair = { kernels: createKernels(), a, moved: await applyPermutations(b, spec, permutations) };
  const pause = createYielder(options.signal);
  const maps: CostMap[] = [];
  for (const name of names) {
    const wanted = resolved.permutations.findIndex((permutation) => permutation.name === name);
    if (wanted < 0) throw new RangeError(`permutation ${name}, expected one of the spec's`);
    const { size } = resolved.permutations[wanted]!;
    const values = new Float32Array(size * size);
    for (const tensor of resolved.tensors) {
      if (!tensor.votes || !isFloat(tensor.info.dtype)) continue;
      await addProducts(values, size, pair, occurrencesOf(tensor, wanted), pause);
    }
    maps.push({ name, size, values });
  }
  return maps;
}

interface MappedPair {
  readonly kernels: Kernels;
  readonly a: Model;
  /** π(B). */
  readonly moved: Model;
}

/** A tensor, and where a permutation occurs in it. */
interface Occurrences {
  readonly tensor: string;
  readonly cells: readonly { readonly cell: Cell; readonly dim: Dim; readonly at: number }[];
}

function occurrencesOf(tensor: ResolvedTensor, wanted: number): Occurrences {
  const cells = cellsOf(tensor).flatMap((cell) =>
    cell.dims.flatMap((dim, at) => (dim.permutation === wanted ? [{ cell, dim, at }] : [])),
  );
  return { tensor: tensor.name, cells };
}

/** values += the inner products of the units of both models, over the other dimensions of each cell. */
async function addProducts(
  values: Float32Array,
  size: number,
  { kernels, a, moved }: MappedPair,
  { tensor, cells }: Occurrences,
  pause: () => Promise<void>,
): Promise<void> {
  if (cells.length === 0) return;
  await pause();
  const [ofA, ofB] = [await floatsOf(kernels, a, tensor), await floatsOf(kernels, moved, tensor)];
  for (const { cell, dim, at } of cells) {
    const others = cell.dims.filter((_, other) => other !== at);
    const columns = enumerateOffsets(others, cell.base, inPlace);
    const rowsOf = (source: Float32Array): Float32Array => unfold(source, size, dim.stride, columns);
    const part = costMatrix(rowsOf(ofA), rowsOf(ofB), size, columns.length, { kernels });
    for (let i = 0; i < values.length; i++) values[i]! += part[i]!;
  }
}

/** One row for each slot of a permutation. */
function unfold(source: Float32Array, size: number, stride: number, columns: Int32Array): Float32Array {
  const rows = new Float32Array(size * columns.length);
  let to = 0;
  for (let slot = 0; slot < size; slot++) for (const offset of columns) rows[to++] = source[slot * stride + offset]!;
  return rows;
}
