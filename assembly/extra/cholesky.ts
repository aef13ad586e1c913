// Cholesky factors and triangular solves in f64, in place: A = UᵀU of the upper triangle, by halves (Toledo 1997), so that
// nearly all of it is products of packed panels. Rows are split at multiples of 16: the order of additions depends on the
// sizes alone. The lower triangle is neither read nor written.

import { multiplyPanels, packColumns, packRows, panelsBytes, ROWS, SUBTRACT, TILE_BYTES } from "./tiles";

/** Rows that are eliminated one by one. */
const STRIP: i32 = 16;
/** Columns at a time in a strip: they stay in the first-level cache. */
const COLUMNS: i32 = 128;

/** Bytes of work area for `cholesky` and `backSolve` of an n × columns matrix. */
export function choleskyWork(columns: i32): usize {
  return TILE_BYTES + panelsBytes(columns) + panelsBytes(4);
}

/**
 * The n × columns matrix [A | B], row by row, lda apart, becomes [U | U⁻ᵀB], where A = UᵀU and only A's upper triangle is read.
 * Returns −1, or the row whose pivot is not positive and finite: the rows above are done then. `work`: choleskyWork bytes.
 */
export function cholesky(a: usize, lda: i32, n: i32, columns: i32, work: usize): i32 {
  return n == 0 ? -1 : factor(a, (<usize>lda) << 3, 0, n, columns, work);
}

function factor(a: usize, step: usize, begin: i32, end: i32, columns: i32, work: usize): i32 {
  if (end - begin <= STRIP) return factorStrip(a, step, begin, end, columns);
  const middle = middleOf(begin, end);
  const bad = factor(a, step, begin, middle, columns, work);
  if (bad >= 0) return bad;
  const at = a + <usize>middle * step + ((<usize>middle) << 3);
  const panels = work + TILE_BYTES;
  for (let r = begin; r < middle; r += ROWS) {
    const rows = min(ROWS, middle - r);
    packColumns<f64>(panels, a + <usize>r * step + ((<usize>middle) << 3), step, rows, columns - middle);
    multiplyPanels(at, step, end - middle, columns - middle, rows, panels, panels, true, SUBTRACT, work);
  }
  return factor(a, step, middle, end, columns, work);
}

/** Half of the rows, rounded up to strips. */
function middleOf(begin: i32, end: i32): i32 {
  return begin + ((((end - begin + 1) >> 1) + STRIP - 1) & -STRIP);
}

function factorStrip(a: usize, step: usize, begin: i32, end: i32, columns: i32): i32 {
  for (let k = begin; k < end; k++) {
    const at = a + <usize>k * step + ((<usize>k) << 3);
    const pivot = load<f64>(at);
    if (!(pivot > 0 && pivot < Infinity)) return k;
    store<f64>(at, Math.sqrt(pivot));
    eliminate(a, step, k, end, k + 1, end);
  }
  for (let j = end; j < columns; j += COLUMNS) {
    const last = min(columns, j + COLUMNS);
    for (let k = begin; k < end; k++) eliminate(a, step, k, end, j, last);
  }
  return -1;
}

/** Columns [from, to): row k divided by its pivot's root, and its multiples taken from the rows below, up to `end`. */
function eliminate(a: usize, step: usize, k: i32, end: i32, from: i32, to: i32): void {
  const row = a + <usize>k * step;
  divideRow(row + ((<usize>from) << 3), to - from, load<f64>(row + ((<usize>k) << 3)));
  for (let i = k + 1; i < end; i++) {
    const start = max(from, i);
    const at = (<usize>start) << 3;
    subtractMultiple(a + <usize>i * step + at, row + at, to - start, load<f64>(row + ((<usize>i) << 3)));
  }
}

function divideRow(row: usize, n: i32, by: f64): void {
  if (ASC_FEATURE_SIMD) {
    const divisor = f64x2.splat(by);
    for (; n >= 2; n -= 2) {
      v128.store(row, f64x2.div(v128.load(row), divisor));
      row += 16;
    }
  }
  for (; n > 0; n--) {
    store<f64>(row, load<f64>(row) / by);
    row += 8;
  }
}

/** y −= factor · x */
function subtractMultiple(y: usize, x: usize, n: i32, factor: f64): void {
  if (ASC_FEATURE_SIMD) {
    const factors = f64x2.splat(factor);
    for (; n >= 2; n -= 2) {
      v128.store(y, f64x2.sub(v128.load(y), f64x2.mul(factors, v128.load(x))));
      y += 16;
      x += 16;
    }
  }
  for (; n > 0; n--) {
    store<f64>(y, load<f64>(y) - factor * load<f64>(x));
    y += 8;
    x += 8;
  }
}

/** [U | Z], as `cholesky` leaves it, becomes [U | U⁻¹Z]: with Z = U⁻ᵀB the solution of A·X = B. `work`: choleskyWork bytes. */
export function backSolve(a: usize, lda: i32, n: i32, columns: i32, work: usize): void {
  if (n > 0 && columns > n) solveRows(a, (<usize>lda) << 3, 0, n, n, columns, work);
}

function solveRows(a: usize, step: usize, begin: i32, end: i32, n: i32, columns: i32, work: usize): void {
  if (end - begin <= STRIP) {
    solveStrip(a, step, begin, end, n, columns);
    return;
  }
  const middle = middleOf(begin, end);
  solveRows(a, step, middle, end, n, columns, work);
  const right = work + TILE_BYTES;
  const left = right + panelsBytes(columns - n);
  const at = (<usize>n) << 3;
  for (let r = middle; r < end; r += ROWS) {
    const rows = min(ROWS, end - r);
    packColumns<f64>(right, a + <usize>r * step + at, step, rows, columns - n);
    packRows(left, a + <usize>begin * step + ((<usize>r) << 3), step, middle - begin, rows);
    const target = a + <usize>begin * step + at;
    multiplyPanels(target, step, middle - begin, columns - n, rows, left, right, false, SUBTRACT, work);
  }
  solveRows(a, step, begin, middle, n, columns, work);
}

function solveStrip(a: usize, step: usize, begin: i32, end: i32, n: i32, columns: i32): void {
  const at = (<usize>n) << 3;
  for (let k = end - 1; k >= begin; k--) {
    const row = a + <usize>k * step;
    const column = a + ((<usize>k) << 3);
    divideRow(row + at, columns - n, load<f64>(row + ((<usize>k) << 3)));
    for (let i = begin; i < k; i++) {
      const above = <usize>i * step;
      subtractMultiple(a + above + at, row + at, columns - n, load<f64>(column + above));
    }
  }
}
