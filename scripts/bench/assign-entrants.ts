/** The entrants of `bench assign`, all maximising over the same n×n matrix. */

import { linearSumAssignment } from "linear-sum-assignment";
import { munkres } from "munkres";
import { solveAssignment } from "../../src/kernels/assignment.ts";
import type { Kernels } from "../../src/kernels/kernels.ts";
import { bytesOf, type Python } from "./python.ts";
import { type Entrant, time } from "./timing.ts";

/** An entrant that can show what its last run found: the column of every row. */
export interface Assigner extends Entrant {
  columns(): ArrayLike<number>;
}

/** The duals of the last run of `ours`, by row and by column. */
export interface Duals {
  readonly rows: Float64Array;
  readonly columns: Float64Array;
}

/** The raw kernel on a matrix that lies in its memory. The arena is the caller's to release. */
export function ours(kernels: Kernels, cost: Float32Array, n: number): Assigner & { duals(): Duals } {
  const { arena, wasm, f32, f64, i32 } = kernels;
  const matrix = arena.allocate(4 * n * n);
  const [columns, rowDuals, columnDuals] = [arena.allocate(4 * n), arena.allocate(8 * n), arena.allocate(8 * n)];
  const work = arena.allocate(wasm.assignWork(n, n) >>> 0);
  f32(matrix, n * n).set(cost);
  return {
    name: "ours",
    run: (calls) =>
      time(() => {
        for (let call = 0; call < calls; call++)
          wasm.assign(matrix, n, n, n, 0, 1, columns, rowDuals, columnDuals, work, 0);
      }),
    columns: () => i32(columns, n).slice(),
    duals: () => ({ rows: f64(rowDuals, n).slice(), columns: f64(columnDuals, n).slice() }),
  };
}

/** The public function: copies the matrix in, checks it, copies the results out. */
export function oursFromArrays(cost: Float32Array, n: number): Assigner {
  let found: ArrayLike<number> = [];
  return {
    name: "solveAssignment",
    run: (calls) =>
      time(() => {
        for (let call = 0; call < calls; call++) found = solveAssignment(cost, n, { maximize: true }).permutation;
      }),
    columns: () => found,
  };
}

export async function scipy(python: Python, cost: Float32Array, n: number): Promise<Assigner> {
  await python.ask({ request: "put", name: "cost", shape: [n, n] }, bytesOf(cost));
  let found: ArrayLike<number> = [];
  return {
    name: "scipy",
    run: async (calls) => {
      const { fields, data } = await python.ask({ request: "assign", calls });
      found = new Int32Array(data.buffer);
      return Number(fields.seconds);
    },
    columns: () => found,
  };
}

/** npm munkres 2.0.4, which minimises: gets the negated matrix as rows, made outside the timing. */
export function npmMunkres(cost: Float32Array, n: number): Assigner {
  const rows = Array.from({ length: n }, (_, i) => Array.from(cost.subarray(i * n, (i + 1) * n), (value) => -value));
  let pairs: [number, number][] = [];
  return {
    name: "munkres",
    aside: true,
    run: (calls) =>
      time(() => {
        for (let call = 0; call < calls; call++) pairs = munkres(rows);
      }),
    columns: () => {
      const found = new Int32Array(n);
      for (const [row, column] of pairs) found[row] = column;
      return found;
    },
  };
}

/** npm linear-sum-assignment 1.0.9; the misspelt option is its own. */
export function npmLinearSumAssignment(cost: Float32Array, n: number): Assigner {
  const rows = Array.from({ length: n }, (_, i) => Float64Array.from(cost.subarray(i * n, (i + 1) * n)));
  let found: ArrayLike<number> = [];
  return {
    name: "linear-sum-assignment",
    aside: true,
    run: (calls) =>
      time(() => {
        for (let call = 0; call < calls; call++) found = linearSumAssignment(rows, { maximaze: true }).rowAssignments;
      }),
    columns: () => found,
  };
}
