/** Products and solves of f64 matrices, row by row, on the extra kernels. */

import { createExtraKernels, type ExtraKernels } from "../../kernels/extra-kernels.ts";

/** Kept between calls while nobody collects it: every instance holds an address space of 4 GiB. */
let kept: WeakRef<ExtraKernels> | undefined;

function withExtra<T>(work: (kernels: ExtraKernels) => T): T {
  const kernels = kept?.deref() ?? createExtraKernels();
  kept = new WeakRef(kernels);
  const mark = kernels.arena.mark();
  try {
    return work(kernels);
  } finally {
    kernels.arena.release(mark);
  }
}

/** AᵀB, m × n, for A of `rows` × m and B of `rows` × n. */
export function product(a: Float64Array, b: Float64Array, rows: number, m: number, n: number): Float64Array {
  return withExtra(({ arena, f64, wasm }) => {
    const [atA, atB] = [arena.allocate(a.byteLength), arena.allocate(b.byteLength)];
    const [atC, work] = [arena.allocate(8 * m * n), arena.allocate(wasm.productWork(m, n))];
    f64(atA, a.length).set(a);
    if (b !== a) f64(atB, b.length).set(b);
    f64(atC, m * n).fill(0);
    wasm.product(atC, n, atA, m, m, b === a ? atA : atB, n, n, rows, work);
    return f64(atC, m * n).slice();
  });
}

/** The rows as columns. */
export function transpose(a: Float64Array, rows: number, columns: number): Float64Array {
  const turned = new Float64Array(a.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) turned[j * rows + i] = a[i * columns + j]!;
  return turned;
}

/**
 * A⁻¹B for a positive definite A of n × n, of which the upper triangle counts, and B of n × m; undefined where A is
 * not.
 */
export function solveDefinite(a: Float64Array, b: Float64Array, n: number, m: number): Float64Array | undefined {
  return withExtra(({ arena, f64, wasm }) => {
    const ld = n + m;
    const [at, work] = [arena.allocate(8 * n * ld), arena.allocate(wasm.choleskyWork(ld))];
    const both = f64(at, n * ld);
    for (let i = 0; i < n; i++) {
      both.set(a.subarray(i * n, (i + 1) * n), i * ld);
      both.set(b.subarray(i * m, (i + 1) * m), i * ld + n);
    }
    if (wasm.cholesky(at, ld, n, ld, work) >= 0) return undefined;
    wasm.backSolve(at, ld, n, ld, work);
    const solved = new Float64Array(n * m);
    const found = f64(at, n * ld);
    for (let i = 0; i < n; i++) solved.set(found.subarray(i * ld + n, (i + 1) * ld), i * m);
    return solved;
  });
}
