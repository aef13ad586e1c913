/** Aᵀ·B of two arrays of rows: every column of one with every column of the other. */

import type { Kernels } from "./kernels.ts";
import { multiply } from "./multiply.ts";

/**
 * Adds Aᵀ·B of `rows`×`n` row-major `a` and `b` to the n×n row-major `sums`: products in f32, in the kernel's order of
 * additions, then added in f64. The kernels' memory is free again afterwards.
 */
export function addCrossProducts(
  kernels: Kernels,
  sums: Float64Array,
  a: Float32Array,
  b: Float32Array,
  rows: number,
  n: number,
): void {
  const { arena, wasm } = kernels;
  const mark = arena.mark();
  try {
    const [left, right] = [arena.allocate(4 * n * rows), arena.allocate(4 * n * rows)];
    const c = arena.allocate(4 * n * n);
    const offsets = arena.allocate(4 * rows);
    const work = arena.allocate(wasm.costWork(n, rows) >>> 0);
    kernels.f32(left, n * rows).set(a);
    kernels.f32(right, n * rows).set(b);
    kernels.f32(c, n * n).fill(0);
    // Columns are read as rows: they are 1 apart, and their values n apart.
    const list = kernels.i32(offsets, rows);
    for (let row = 0; row < rows; row++) list[row] = row * n;
    const side = { stride: 1, offsets };
    multiply(wasm, {
      c,
      ldc: n,
      rows: [0, n],
      columns: n,
      k: rows,
      a: { ...side, at: left },
      b: { ...side, at: right, less: 0 },
      work,
    });
    const added = kernels.f32(c, n * n);
    for (let at = 0; at < added.length; at++) sums[at]! += added[at]!;
  } finally {
    arena.release(mark);
  }
}
