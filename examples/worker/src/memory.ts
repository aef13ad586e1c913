/** What a merge will take, known from shapes alone: a small file may ask for more than an isolate has. */

import {
  DTYPES,
  detectSpec,
  familySpec,
  type Model,
  parseSpec,
  type ResolvedSpec,
  type ResolvedTensor,
  resolveSpec,
  type Spec,
  SpecError,
} from "rebasin";
import { Problem } from "./problem.ts";

/** Work areas whose size is fixed (2.4 MB), and what the program and its small arrays take. */
const BASE_BYTES = 6_000_000;
/** Of the largest permutation: 1,680 of an assignment's work area, and some lists. */
const UNIT_BYTES = 2000;
/** JavaScript objects, as heaps in which it just fits and those of many small tensors show, and a half more. */
const [HEADER_FACTOR, TENSOR_BYTES, CELL_BYTES, PERMUTATION_BYTES] = [16, 3000, 1500, 10_000];

/** What a safetensors header begins with, behind its length. */
const OPEN_BRACE = 0x7b;
/** Objects that a pickle's bytes can make, two pickles, and their tensors' descriptions. */
const INDEX_FACTOR = 160;

/** The most bytes that a pickle may have when `room` is left: that of a thousand tensors has 200,000. */
export function indexBytes(room: number): number {
  return Math.floor(room / INDEX_FACTOR);
}

/** True when the tensors of a merge may take the place of this model's. */
export function isInPlace(model: Model): boolean {
  return model.origin?.format === "safetensors";
}

/** "auto", a family's name or a parsed spec file, as a spec. Throws `SpecError`. */
export async function specFor(which: string | object, model: Model): Promise<Spec> {
  if (typeof which !== "string") return parseSpec(which);
  if (which === "auto") return await detectSpec(model);
  try {
    return await familySpec(which, model);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    throw new SpecError(`${error.message}; "auto" finds the family by itself`);
  }
}

/** Throws 422 when already the descriptions of the tensors in these files would take more than `room` bytes. */
export function checkHeaders(files: readonly Uint8Array[], room: number): void {
  const bytes = files.reduce((sum, file) => sum + headerBytes(file), 0);
  check(HEADER_FACTOR * bytes, `headers of ${bytes} bytes`, room);
}

/** A safetensors file's header, as far as it can be so long; whether it is true is for the reader to say. */
function headerBytes(file: Uint8Array): number {
  if (file.length < 9 || file[8] !== OPEN_BRACE) return 0;
  const length = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true);
  return Math.min(Number(length), file.length);
}

/** Throws 422 when a merge of models like this one would take more than `room` bytes beside the files. */
export function checkMemory(model: Model, spec: Spec, room: number): void {
  const resolved = resolveSpec(spec, model.tensors);
  const { tensors, permutations } = resolved;
  const units = permutations.reduce((most, { size }) => Math.max(most, size), 0);
  const why = `permutations of up to ${units} units, ${permutations.length} of them, and ${tensors.length} tensors`;
  const merged = isInPlace(model) ? 0 : tensorBytes(resolved);
  check(BASE_BYTES + UNIT_BYTES * units + objectBytes(resolved) + kernelBytes(resolved) + merged, why, room);
}

/** Bytes of all tensors. */
function tensorBytes({ tensors }: ResolvedSpec): number {
  return tensors.reduce((sum, { info }) => sum + (product(info.shape) * DTYPES[info.dtype].bits) / 8, 0);
}

function check(need: number, why: string, room: number): void {
  if (need <= room) return;
  throw new Problem(
    422,
    `merge takes about ${need} bytes of memory (${why}), expected at most ${room} beside the files`,
  );
}

function objectBytes({ tensors, permutations }: ResolvedSpec): number {
  // One segment chosen on every axis makes a cell.
  const cells = tensors.reduce((sum, { axes }) => sum + product(axes.map(({ segments }) => segments.length)), 0);
  return TENSOR_BYTES * tensors.length + CELL_BYTES * cells + PERMUTATION_BYTES * permutations.length;
}

/** Memory of the kernels, whose size goes by the numbers in a model: matching and merging use the same, one by one. */
function kernelBytes({ tensors, permutations }: ResolvedSpec): number {
  // Frank-Wolfe keeps two matrices of f32 for every permutation; one that others are nested in needs a third for a while.
  let matrices = 0;
  for (const { size, outer } of permutations)
    matrices += 8 * size ** 2 + (outer < 0 ? 0 : 4 * permutations[outer]!.size ** 2);
  let [staged, walked, merged] = [0, 0, 0];
  for (const tensor of tensors) {
    const count = product(tensor.info.shape);
    const { kind, bits } = DTYPES[tensor.info.dtype];
    // A tensor of A and one of B as f32.
    const pair = kind === "float" || kind === "complex" ? 8 * count : 0;
    if (tensor.votes) {
      staged = Math.max(staged, pair);
      walked = Math.max(walked, walkBytes(tensor, count));
    }
    // Merging moves it, in its own dtype, from one place to another.
    merged = Math.max(merged, pair + (2 * count * bits) / 8);
  }
  return Math.max(staged + walked + matrices, merged);
}

/** Lists of offsets that a tensor of `count` elements is walked along, and what folding it takes. */
function walkBytes({ axes, info }: ResolvedTensor, count: number): number {
  const isFree = ({ factors }: { factors: readonly { permutation: number }[] }): boolean =>
    factors.every(({ permutation }) => permutation < 0);
  // Where nothing moves, all is one dimension, and so long are four lists in wasm.
  if (axes.every(({ segments }) => segments.some(isFree))) return 16 * count;
  let [shortest, moving] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const { size, permutation } of axes.flatMap(({ segments }) => segments.flatMap(({ factors }) => factors))) {
    if (permutation >= 0) moving = Math.min(moving, size);
    if (permutation >= 0 || size > 1) shortest = Math.min(shortest, size);
  }
  // Neighbours in which nothing moves, such as the two sides of a kernel, are walked as one.
  const last = axes.findLastIndex(({ segments }) => !segments.every(isFree));
  const run = product(info.shape.slice(last + 1));
  const longest = info.shape.reduce(
    (most, size) => Math.max(most, size),
    count / Math.min(moving, run > 1 ? run : shortest),
  );
  // The four lists, and as much in JavaScript; two folded tensors, if two of its dimensions move.
  return 32 * longest + (8 * count) / moving;
}

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);
