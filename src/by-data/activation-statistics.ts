/**
 * Statistics of two models' activations on the same inputs, batch by batch: means, variances and the cross-covariance
 * of every unit of A with every unit of B. From them come the cost matrices of activation matching (paper, Section
 * 3.1). Knows numbers only: who runs the models, and where, is none of its business.
 */

import { addCrossProducts } from "../kernels/cross-products.ts";
import type { Kernels } from "../kernels/kernels.ts";

/**
 * `"inner-product"`: E[a bᵀ], uncentred, as in the paper's MLPs. `"correlation"`: Pearson's, as in the paper's VGG: a
 * unit's scale and offset do not matter.
 */
export type ActivationCost = "correlation" | "inner-product";

/** Rows that are multiplied at once: a multiple of the kernel's own block of 256. */
const CHUNK_ROWS = 1024;

/** A unit whose standard deviation is below this share of its mean is constant but for the rounding of f32. */
const CONSTANT_SHARE = 2 ** -22;

/** Per unit, in f64. */
export interface Moments {
  readonly mean: Float64Array;
  /** Of the rows themselves: their mean squared distance from the mean. */
  readonly variance: Float64Array;
}

/** Sums over activations of two models, from which a cost matrix is made. */
export interface ActivationStatistics {
  /** Units of each model. */
  readonly n: number;
  /** Rows added so far. */
  readonly rows: number;
  /**
   * Adds `rows` rows of both, `[rows, n]` row-major: the activations for the same inputs (and at the same positions).
   * Both are copied. Throws `RangeError` for lengths that do not fit and, sooner or later, for NaN and infinity.
   */
  add(a: Float32Array, b: Float32Array, rows: number): void;
  /**
   * The n×n row-major costs of all rows so far, a fresh array: entry (i, j) is unit i of A with unit j of B. A unit
   * that never changes has correlation 0 with everything. Throws `RangeError` when there are no rows.
   */
  finish(kind: ActivationCost): Float32Array;
  /** Means and variances of all rows so far, fresh arrays. */
  moments(): { readonly a: Moments; readonly b: Moments };
}

/** What is kept of one model's units. */
interface Side {
  /** CHUNK_ROWS×n. */
  readonly chunk: Float32Array;
  readonly name: string;
  readonly mean: Float64Array;
  /** Σ (x − mean)². */
  readonly squares: Float64Array;
}

/**
 * Empty statistics of `n` units of each model. Holds 8·n² bytes and some 8 KiB a unit, for any number of rows.
 *
 * Products are f32 in the kernel's order of additions, of values centred on the mean of their chunk of 1024 rows.
 * Chunks are merged in f64 by the update of Chan, Golub and LeVeque (1979), so neither large offsets nor many rows cost
 * digits. Chunks are filled across calls of `add`: how rows are cut into batches does not change a bit.
 *
 * `names` call the two models in messages.
 *
 * @example
 * const statistics = createActivationStatistics(createKernels(), 2);
 * statistics.add(Float32Array.of(1, 0, 0, 1, 1, 1), Float32Array.of(0, 1, 1, 0, 1, 1), 3);
 * statistics.finish("inner-product"); // 1/3 2/3 2/3 1/3
 */
export function createActivationStatistics(
  kernels: Kernels,
  n: number,
  names: readonly [string, string] = ["A", "B"],
): ActivationStatistics {
  if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`units ${n}, expected a positive integer`);
  const side = (name: string): Side => ({
    chunk: new Float32Array(n * CHUNK_ROWS),
    name,
    mean: new Float64Array(n),
    squares: new Float64Array(n),
  });
  const sums: Sums = {
    n,
    a: side(names[0]),
    b: side(names[1]),
    products: new Float64Array(n * n),
    merged: 0,
    waiting: 0,
  };
  return {
    n,
    get rows() {
      return sums.merged + sums.waiting;
    },
    add: (rowsA, rowsB, rows) => addRows(kernels, sums, [rowsA, rowsB], rows),
    finish(kind) {
      flush(kernels, sums);
      const { a, b, products, merged } = sums;
      if (merged === 0) throw new RangeError("activations have 0 rows, expected at least 1");
      return kind === "correlation" ? correlations(a, b, products, merged) : innerProducts(a, b, products, merged);
    },
    moments() {
      flush(kernels, sums);
      return { a: momentsOf(sums.a, sums.merged), b: momentsOf(sums.b, sums.merged) };
    },
  };
}

/** What has been seen: chunks that are merged, and rows of one that waits to be full. */
interface Sums {
  readonly n: number;
  readonly a: Side;
  readonly b: Side;
  /** Σ (a − mean)(b − mean)ᵀ. */
  readonly products: Float64Array;
  /** Rows in the sums, and in the chunks. */
  merged: number;
  waiting: number;
}

function addRows(
  kernels: Kernels,
  sums: Sums,
  [rowsA, rowsB]: readonly [Float32Array, Float32Array],
  rows: number,
): void {
  const { n, a, b } = sums;
  if (!Number.isSafeInteger(rows) || rows < 0) throw new RangeError(`rows ${rows}, expected a whole number`);
  checkValues(rowsA, a.name, rows, n);
  checkValues(rowsB, b.name, rows, n);
  for (let from = 0; from < rows; ) {
    const take = Math.min(rows - from, CHUNK_ROWS - sums.waiting);
    const part = [from * n, (from + take) * n] as const;
    a.chunk.set(rowsA.subarray(...part), n * sums.waiting);
    b.chunk.set(rowsB.subarray(...part), n * sums.waiting);
    from += take;
    sums.waiting += take;
    if (sums.waiting === CHUNK_ROWS) flush(kernels, sums);
  }
}

/** Merges the chunks that wait into the sums. */
function flush(kernels: Kernels, sums: Sums): void {
  const { n, a, b, products, merged, waiting: rows } = sums;
  if (rows === 0) return;
  sums.waiting = 0;
  const [chunkA, chunkB] = [a.chunk.subarray(0, rows * n), b.chunk.subarray(0, rows * n)];
  const centredA = centreChunk(chunkA, a.name, n);
  const centredB = centreChunk(chunkB, b.name, n);
  const weight = (merged * rows) / (merged + rows);
  const shiftA = centredA.mean.map((mean, i) => mean - a.mean[i]!);
  const shiftB = centredB.mean.map((mean, j) => mean - b.mean[j]!);
  addCrossProducts(kernels, products, chunkA, chunkB, rows, n);
  if (merged > 0) addOuter(products, shiftA, shiftB, weight);
  sums.merged += rows;
  mergeSide(a, centredA.squares, shiftA, weight, rows / sums.merged);
  mergeSide(b, centredB.squares, shiftB, weight, rows / sums.merged);
}

function checkValues({ length }: Float32Array, name: string, rows: number, n: number): void {
  if (length !== rows * n)
    throw new RangeError(`activations of ${name} have ${length} values, expected ${rows} × ${n}`);
}

function momentsOf({ mean, squares }: Side, rows: number): Moments {
  return { mean: mean.slice(), variance: squares.map((sum) => sum / Math.max(rows, 1)) };
}

/** Replaces the rows of a chunk by their distances from its mean; returns that mean and Σ of their squares. */
function centreChunk(values: Float32Array, name: string, n: number): { mean: Float64Array; squares: Float64Array } {
  const rows = values.length / n;
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new RangeError(`activations of ${name} has ${values[bad]} at element ${bad}, expected finite numbers`);
  const mean = new Float64Array(n);
  const squares = new Float64Array(n);
  for (let at = 0; at < values.length; at += n) for (let i = 0; i < n; i++) mean[i]! += values[at + i]!;
  for (let i = 0; i < n; i++) mean[i]! /= rows;
  for (let at = 0; at < values.length; at += n) {
    for (let i = 0; i < n; i++) {
      const centred = Math.fround(values[at + i]! - mean[i]!);
      values[at + i] = centred;
      squares[i]! += centred * centred;
    }
  }
  return { mean, squares };
}

/** products += weight · a bᵀ. */
function addOuter(products: Float64Array, a: Float64Array, b: Float64Array, weight: number): void {
  const n = a.length;
  for (let i = 0; i < n; i++) {
    const factor = weight * a[i]!;
    if (factor !== 0) for (let j = 0; j < n; j++) products[i * n + j]! += factor * b[j]!;
  }
}

function mergeSide(
  { mean, squares }: Side,
  added: Float64Array,
  shift: Float64Array,
  weight: number,
  share: number,
): void {
  for (let i = 0; i < mean.length; i++) {
    squares[i]! += added[i]! + weight * shift[i]! * shift[i]!;
    mean[i]! += share * shift[i]!;
  }
}

function innerProducts(a: Side, b: Side, products: Float64Array, rows: number): Float32Array {
  const n = a.mean.length;
  const costs = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) costs[i * n + j] = products[i * n + j]! / rows + a.mean[i]! * b.mean[j]!;
  }
  return costs;
}

function correlations(a: Side, b: Side, products: Float64Array, rows: number): Float32Array {
  const n = a.mean.length;
  const [scaleA, scaleB] = [inverseDeviations(a, rows), inverseDeviations(b, rows)];
  const costs = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) costs[i * n + j] = products[i * n + j]! * scaleA[i]! * scaleB[j]!;
  }
  return costs;
}

/** 1/√Σ(x − mean)² per unit; 0 for one that is constant. */
function inverseDeviations({ mean, squares }: Side, rows: number): Float64Array {
  return squares.map((sum, i) => {
    const least = CONSTANT_SHARE * mean[i]!;
    return sum > rows * least * least ? 1 / Math.sqrt(sum) : 0;
  });
}
