/** Linear assignment of plain arrays: the public face of the `assign` kernel. */

import { checkOptions, type OptionKinds } from "../base/options.ts";
import { withKernels } from "./idle.ts";
import type { Kernels } from "./kernels.ts";

const INT32_MAX = 2 ** 31 - 1;

/** Prices are sums of up to n costs and their differences: beyond this they could overflow f64. */
const MAGNITUDE_LIMIT = 2 ** 1000;

/** Options of `solveAssignment`. */
export interface AssignmentOptions {
  /** Columns of the matrix, at least `n`; `n` unless given. */
  readonly columns?: number | undefined;
  /** Greatest total cost instead of least. Default false. */
  readonly maximize?: boolean | undefined;
  /** Forces the SIMD or the scalar build; the result has the same bits. */
  readonly simd?: boolean | undefined;
}

const OPTIONS: OptionKinds<AssignmentOptions> = { columns: "number", maximize: "boolean", simd: "boolean" };

/** An optimal assignment and the proof that it is one. */
export interface Assignment {
  /** Column of every row: `permutation[row] = column`, all different. */
  readonly permutation: Int32Array;
  /** Sum of the assigned costs, added in row order in f64. */
  readonly objective: number;
  /** One number per row. */
  readonly rowDuals: Float64Array;
  /** One number per column; 0 for a column without a row. */
  readonly columnDuals: Float64Array;
}

/**
 * Gives every row of a row-major `n`×`columns` matrix its own column so that the total cost is least (or greatest with
 * `maximize`). The result is exact for any finite costs, and has the same bits in every runtime and build. Which of
 * several optima comes out is not specified. The input is copied, not changed; the results are new arrays.
 *
 * The duals certify the result. `rowDuals[i] + columnDuals[j]` equals the cost where row i has column j; elsewhere it
 * is ≤ the cost when minimising, ≥ when maximising. This holds up to rounding in f64; for f32 costs of similar
 * magnitude the sums are exact. With more columns than rows, a column without a row has dual 0 and the others duals ≤ 0
 * when minimising, ≥ 0 when maximising. So the objective is the sum of all duals.
 *
 * Method: shortest augmenting paths with column and row reduction (Jonker and Volgenant, Computing 38, 1987), over
 * lists of candidate columns where the matrix is large. Where many rows want the same columns, they start from the
 * prices of an ε-scaling auction (Bertsekas, Annals of Operations Research 14, 1988). Rows and columns of one value
 * only are put aside in pairs. Outer products, and squared distances of points on a line, are sorted. Cheap statistics
 * of the matrix choose among these. O(n²·columns) at worst; near O(n·columns) where most rows have a clear best column.
 * Memory beside the matrix's copy: about 100 bytes per column and, from 96 columns on, 1.6 kB per row.
 *
 * One call, which no signal stops. On the kinds of matrices of `npm run bench -- assign` it takes at most .2 s of one
 * processor up to n = 2,048, and 2 s up to 8,192.
 *
 * @throws {TypeError} for a cost that is no Float32Array or Float64Array, and for unknown options.
 * @throws {RangeError} for sizes that do not fit, costs that are NaN, infinite or beyond 2^1000, and more memory than 4
 * GiB.
 *
 * @example
 * const { permutation, objective } = solveAssignment(Float32Array.of(4, 1, 3, 2, 0, 5, 3, 2, 2), 3);
 * // permutation 1 0 2, objective 1 + 2 + 2 = 5
 */
export function solveAssignment(
  cost: Float32Array | Float64Array,
  n: number,
  options: AssignmentOptions = {},
): Assignment {
  checkOptions("solveAssignment", options, OPTIONS);
  const columns = options.columns ?? n;
  checkShape(cost, n, columns);
  if (n === 0) return emptyAssignment(columns);
  const maximize = options.maximize === true;
  return withKernels({ simd: options.simd }, (kernels) => solveOn(kernels, cost, n, columns, maximize));
}

function solveOn(
  kernels: Kernels,
  cost: Float32Array | Float64Array,
  n: number,
  columns: number,
  maximize: boolean,
): Assignment {
  const { arena, wasm } = kernels;
  const costs = arena.allocate(cost.byteLength);
  const permutation = arena.allocate(4 * n);
  const rowDuals = arena.allocate(8 * n);
  const columnDuals = arena.allocate(8 * columns);
  const work = arena.allocate(wasm.assignWork(n, columns) >>> 0);
  // Nothing allocates from here on, so views are safe.
  const wide = cost instanceof Float64Array;
  (wide ? kernels.f64(costs, cost.length) : kernels.f32(costs, cost.length)).set(cost);
  checkCosts(cost, columns, wide ? firstBeyondLimit(cost) : wasm.nonfinite32(costs, cost.length));
  const out = [permutation, rowDuals, columnDuals] as const;
  const objective = wasm.assign(costs, columns, n, columns, wide ? 1 : 0, maximize ? 1 : 0, ...out, work, 0);
  return {
    permutation: kernels.i32(permutation, n).slice(),
    objective,
    rowDuals: kernels.f64(rowDuals, n).slice(),
    columnDuals: kernels.f64(columnDuals, columns).slice(),
  };
}

function emptyAssignment(columns: number): Assignment {
  return {
    permutation: new Int32Array(0),
    objective: 0,
    rowDuals: new Float64Array(0),
    columnDuals: new Float64Array(columns),
  };
}

function checkShape(cost: Float32Array | Float64Array, n: number, columns: number): void {
  if (!(cost instanceof Float32Array || cost instanceof Float64Array)) {
    throw new TypeError(`cost ${typeName(cost)}, expected a Float32Array or a Float64Array`);
  }
  if (!Number.isInteger(n) || n < 0 || n > INT32_MAX) {
    throw new RangeError(`n ${n}, expected a whole number below 2^31`);
  }
  if (!Number.isInteger(columns) || columns < n || columns > INT32_MAX) {
    throw new RangeError(`columns ${columns}, expected a whole number from n = ${n}, below 2^31`);
  }
  if (cost.length !== n * columns) {
    throw new RangeError(`cost ${cost.length} elements, expected ${n} × ${columns} = ${n * columns}`);
  }
}

function typeName(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

function firstBeyondLimit(cost: Float64Array): number {
  for (let k = 0; k < cost.length; k++) if (!(Math.abs(cost[k]!) <= MAGNITUDE_LIMIT)) return k;
  return -1;
}

/** Throws for the element at `bad`, unless that is −1. */
function checkCosts(cost: Float32Array | Float64Array, columns: number, bad: number): void {
  if (bad < 0) return;
  const value = cost[bad]!;
  const expected = Number.isFinite(value) ? "a magnitude of at most 2^1000" : "a finite number";
  throw new RangeError(`cost[${Math.floor(bad / columns)}, ${bad % columns}] ${value}, expected ${expected}`);
}
