// Products of two matrices in f64.

import { ADD, multiplyPanels, packColumns, panelsBytes, ROWS, TILE_BYTES } from "./tiles";

/** Bytes of work area for `product` with C of m × n. */
export function productWork(m: i32, n: i32): usize {
  return TILE_BYTES + panelsBytes(m) + panelsBytes(n);
}

/**
 * C[i·ldc + j] += Σ_r A[r·lda + i]·B[r·ldb + j] for i < m, j < n: AᵀB, all f64, A and B of `rows` rows, which are added in
 * blocks of 256 (see tiles.ts). `work`: productWork(m, n) bytes.
 */
export function product(
  c: usize,
  ldc: i32,
  a: usize,
  lda: i32,
  m: i32,
  b: usize,
  ldb: i32,
  n: i32,
  rows: i32,
  work: usize,
): void {
  const left = work + TILE_BYTES;
  const right = left + panelsBytes(m);
  for (let r = 0; r < rows; r += ROWS) {
    const count = min(ROWS, rows - r);
    packColumns<f64>(left, a + ((<usize>r * <usize>lda) << 3), (<usize>lda) << 3, count, m);
    packColumns<f64>(right, b + ((<usize>r * <usize>ldb) << 3), (<usize>ldb) << 3, count, n);
    multiplyPanels(c, (<usize>ldc) << 3, m, n, count, left, right, false, ADD, work);
  }
}
