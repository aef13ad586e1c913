/** The assignment kernel itself, without the checks and copies of `solveAssignment`. */

import type { Assignment } from "../../src/kernels/assignment.ts";
import type { Kernels } from "../../src/kernels/kernels.ts";
import type { Costs } from "./assignment.ts";
import { bitEqual } from "./bits.ts";
import { Bench } from "./on-kernels.ts";

/**
 * Assigns the first m of `ld` columns, everything misaligned and between guards. `method` says how, see `assignMethod`
 * of the kernel exports. `earlier`: column duals to start from.
 */
export function solveGuarded(
  kernels: Kernels,
  cost: Costs,
  ld: number,
  n: number,
  m: number,
  maximize: boolean,
  earlier?: Float64Array,
): Assignment & { method: number } {
  const { wasm } = kernels;
  const bench = new Bench(kernels);
  const costs = bench.put(cost);
  const permutation = bench.area(4 * n);
  const rows = bench.area(8 * n);
  const columns = earlier === undefined ? bench.area(8 * m) : bench.put(earlier);
  const work = bench.area(wasm.assignWork(n, m));
  const wide = cost instanceof Float64Array ? 1 : 0;
  const resume = earlier === undefined ? 0 : 1;
  const objective = wasm.assign(costs, ld, n, m, wide, maximize ? 1 : 0, permutation, rows, columns, work, resume);
  const bytes = new Uint8Array(cost.buffer, cost.byteOffset, cost.byteLength);
  bitEqual(new Uint8Array(bench.take(costs, cost.byteLength)), bytes, "cost in wasm memory");
  const result = {
    permutation: new Int32Array(bench.take(permutation, 4 * n)),
    objective,
    rowDuals: new Float64Array(bench.take(rows, 8 * n)),
    columnDuals: new Float64Array(bench.take(columns, 8 * m)),
    method: wasm.assignMethod(),
  };
  bench.done();
  return result;
}
