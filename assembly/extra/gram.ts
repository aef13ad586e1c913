// Grams: sums of products of the columns of a matrix, in f64 from f32 rows, a batch of rows at a time.

import { ADD, multiplyPanels, packColumns, panelsBytes, ROWS, TILE_BYTES } from "./tiles";

/** Bytes of work area for `gram`. */
export function gramWork(columns: i32): usize {
  return TILE_BYTES + panelsBytes(columns);
}

/**
 * G[i·ldg + j] += Σ_r X[r·ldx + i]·X[r·ldx + j] for i < first, i ≤ j < columns: G f64, X f32 of `rows` rows. Products are exact;
 * they are added in blocks of 256 rows (see tiles.ts). `work`: gramWork(columns) bytes.
 */
export function gram(g: usize, ldg: i32, first: i32, x: usize, ldx: i32, rows: i32, columns: i32, work: usize): void {
  const step = (<usize>ldx) << 2;
  const panels = work + TILE_BYTES;
  for (let r = 0; r < rows; r += ROWS) {
    const count = min(ROWS, rows - r);
    packColumns<f32>(panels, x + <usize>r * step, step, count, columns);
    multiplyPanels(g, (<usize>ldg) << 3, first, columns, count, panels, panels, true, ADD, work);
  }
}
