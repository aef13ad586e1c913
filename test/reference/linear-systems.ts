/** Systems of equations for the kernels of the second wasm. */

import type { Rng } from "../../src/base/rng.ts";
import type { ExtraKernels } from "../../src/kernels/extra-kernels.ts";
import { gramReference } from "./least-squares.ts";
import { Bench, randomF32 } from "./on-kernels.ts";

export interface System {
  readonly n: number;
  readonly m: number;
  /** n × (n + m): [A | B]. */
  readonly matrix: Float64Array;
}

/** A positive definite A = MᵀM + n/10 with ones in what Cholesky must not read, and any B. */
export function system(n: number, m: number, rng: Rng): System {
  const x = randomF32((n + 3) * n, rng);
  const g = new Float64Array(n * n);
  gramReference(g, n, n, x, n, n + 3, n);
  const matrix = Float64Array.from({ length: n * (n + m) }, (_, at) => {
    const [i, j] = [Math.floor(at / (n + m)), at % (n + m)];
    if (j >= n) return rng.uniform() - 0.5;
    if (j < i) return 1;
    return g[i * n + j]! + (i === j ? n / 10 : 0);
  });
  return { n, m, matrix };
}

/** A whole and B, taken apart. */
export function parts({ n, m, matrix }: System): { a: Float64Array; b: Float64Array } {
  const at = (i: number, j: number): number => matrix[Math.min(i, j) * (n + m) + Math.max(i, j)]!;
  return {
    a: Float64Array.from({ length: n * n }, (_, e) => at(Math.floor(e / n), e % n)),
    b: Float64Array.from({ length: n * m }, (_, e) => matrix[Math.floor(e / m) * (n + m) + n + (e % m)]!),
  };
}

export interface Solved {
  readonly bad: number;
  readonly result: Float64Array;
  readonly x: Float64Array;
  readonly left: Float64Array;
}

/** The whole matrix after the factor and the solve, what remains of B − A·X, and the row of the first bad pivot. */
export function solve(kernels: ExtraKernels, { n, m, matrix }: System): Solved {
  const { wasm } = kernels;
  const ld = n + m;
  const bench = new Bench(kernels);
  const a = bench.put(matrix);
  const diagonal = bench.area(8 * n);
  const work = bench.area(wasm.choleskyWork(ld));
  const b = new Float64Array(n * m);
  for (let i = 0; i < n; i++) b.set(matrix.subarray(i * ld + n, (i + 1) * ld), i * m);
  const r = bench.put(b);
  wasm.mirror(a, ld, n, diagonal);
  const bad = wasm.cholesky(a, ld, n, ld, work);
  if (bad < 0) {
    wasm.backSolve(a, ld, n, ld, work);
    wasm.subtractProduct(r, m, a, ld, diagonal, n, a + 8 * n, ld, m, bench.area(wasm.subtractProductWork(n, m)));
  }
  const result = new Float64Array(bench.take(a, 8 * n * ld));
  const left = new Float64Array(bench.take(r, 8 * n * m));
  bench.done();
  const x = new Float64Array(n * m);
  for (let i = 0; i < n; i++) x.set(result.subarray(i * ld + n, (i + 1) * ld), i * m);
  return { bad, result, x, left };
}
