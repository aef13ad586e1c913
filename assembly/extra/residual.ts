// What certifies a solve: the matrix is kept in the lower triangle, which Cholesky leaves alone, and multiplied once more.

import { multiplyPanels, PANEL, packColumns, panelsBytes, ROWS, SUBTRACT, TILE_BYTES } from "./tiles";

/** Columns and rows at a time in `mirror`: both sides stay in the first-level cache. */
const BLOCK: i32 = 32;

/** Copies the upper triangle of an n × n matrix of f64 to the lower one; the diagonal goes to `diagonal`, f64[n]. */
export function mirror(a: usize, lda: i32, n: i32, diagonal: usize): void {
  const step = (<usize>lda) << 3;
  for (let i = 0; i < n; i++) store<f64>(diagonal + ((<usize>i) << 3), load<f64>(a + <usize>i * (step + 8)));
  for (let ib = 0; ib < n; ib += BLOCK) {
    for (let jb = ib; jb < n; jb += BLOCK) {
      const last = min(n, jb + BLOCK);
      for (let i = ib; i < min(n, ib + BLOCK); i++) {
        const row = a + <usize>i * step;
        for (let j = max(i + 1, jb); j < last; j++)
          store<f64>(a + <usize>j * step + ((<usize>i) << 3), load<f64>(row + ((<usize>j) << 3)));
      }
    }
  }
}

/** Bytes of work area for `subtractProduct`. */
export function subtractProductWork(n: i32, m: i32): usize {
  return TILE_BYTES + panelsBytes(n) + panelsBytes(m);
}

/**
 * R −= A·X for the symmetric n × n matrix of a lower triangle and a diagonal, as `mirror` leaves them; X and R are n × m. All
 * f64. `work`: subtractProductWork(n, m) bytes.
 */
export function subtractProduct(
  r: usize,
  ldr: i32,
  a: usize,
  lda: i32,
  diagonal: usize,
  n: i32,
  x: usize,
  ldx: i32,
  m: i32,
  work: usize,
): void {
  const xStep = (<usize>ldx) << 3;
  const left = work + TILE_BYTES;
  const right = left + panelsBytes(n);
  for (let k = 0; k < n; k += ROWS) {
    const rows = min(ROWS, n - k);
    packSymmetric(left, a, (<usize>lda) << 3, diagonal, n, k, rows);
    packColumns<f64>(right, x + <usize>k * xStep, xStep, rows, m);
    multiplyPanels(r, (<usize>ldr) << 3, n, m, rows, left, right, false, SUBTRACT, work);
  }
}

/** Rows [k, k + rows) of the symmetric matrix as panels of all its columns. */
function packSymmetric(dst: usize, a: usize, step: usize, diagonal: usize, n: i32, k: i32, rows: i32): void {
  for (let j = 0; j < n; j += PANEL) {
    for (let r = k; r < k + rows; r++) {
      for (let c = j; c < j + PANEL; c++) {
        let value: f64 = 0;
        if (c == r) value = load<f64>(diagonal + ((<usize>c) << 3));
        else if (c < r) value = load<f64>(a + <usize>r * step + ((<usize>c) << 3));
        else if (c < n) value = load<f64>(a + <usize>c * step + ((<usize>r) << 3));
        store<f64>(dst, value);
        dst += 8;
      }
    }
  }
}
