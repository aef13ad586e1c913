// Column reduction, the first stage of Jonker & Volgenant (1987): the price of a column is its greatest benefit, and the
// row that offers it takes the column unless it already has one. Only for square problems: a column that ends up
// without a row must keep price 0.

import {
  benefitOf,
  best,
  bestRow,
  columnRow,
  columns,
  getFloat,
  getInt,
  NONE,
  prices,
  rowAddress,
  rowColumn,
  rows,
  setFloat,
  setInt,
  signFlip,
  wide,
} from "./assign-state";

/** Columns swept together: their running maxima and rows (12 KiB) stay in the nearest cache while the rows stream by. */
const STRIP: i32 = 1024;

/** Sets prices and matches what it can, the lowest row and column among equals. */
export function reduceColumns(): void {
  for (let from: i32 = 0; from < columns; from += STRIP) {
    const to = min(from + STRIP, columns);
    if (wide) {
      startStrip<f64>(from, to);
      for (let i: i32 = 1; i < rows; i++) raiseStrip64(i, from, to);
      priceStrip<f64>(from, to);
    } else {
      startStrip<f32>(from, to);
      for (let i: i32 = 1; i < rows; i++) raiseStrip32(i, from, to);
      priceStrip<f32>(from, to);
    }
  }
  for (let j: i32 = 0; j < columns; j++) {
    const i = getInt(bestRow, j);
    if (getInt(rowColumn, i) != NONE) continue;
    setInt(rowColumn, i, j);
    setInt(columnRow, j, i);
  }
}

function startStrip<T extends number>(from: i32, to: i32): void {
  const row = rowAddress(0);
  for (let j = from; j < to; j++) {
    store<T>(best + <usize>j * sizeof<T>(), <T>benefitOf<T>(row, j));
    setInt(bestRow, j, 0);
  }
}

function priceStrip<T extends number>(from: i32, to: i32): void {
  for (let j = from; j < to; j++) setFloat(prices, j, <f64>load<T>(best + <usize>j * sizeof<T>()));
}

function raiseTail<T extends number>(row: usize, i: i32, from: i32, to: i32): void {
  for (let j = from; j < to; j++) {
    const benefit = <T>benefitOf<T>(row, j);
    const at = best + <usize>j * sizeof<T>();
    if (benefit > load<T>(at)) {
      store<T>(at, benefit);
      setInt(bestRow, j, i);
    }
  }
}

/** Two vectors at a time and no f64: maxima of f32 are exact in f32. */
function raiseStrip32(i: i32, from: i32, to: i32): void {
  const row = rowAddress(i);
  let j = from;
  if (ASC_FEATURE_SIMD) {
    const flip = i32x4.splat(<i32>(signFlip >> 32));
    const here = i32x4.splat(i);
    const end = to - 15;
    for (; j < end; j += 16) {
      const c = row + ((<usize>j) << 2);
      const m = best + ((<usize>j) << 2);
      const x0 = v128.xor(v128.load(c), flip);
      const x1 = v128.xor(v128.load(c, 16), flip);
      const x2 = v128.xor(v128.load(c, 32), flip);
      const x3 = v128.xor(v128.load(c, 48), flip);
      const y0 = v128.load(m);
      const y1 = v128.load(m, 16);
      const y2 = v128.load(m, 32);
      const y3 = v128.load(m, 48);
      const g0 = f32x4.gt(x0, y0);
      const g1 = f32x4.gt(x1, y1);
      const g2 = f32x4.gt(x2, y2);
      const g3 = f32x4.gt(x3, y3);
      if (v128.any_true(v128.or(v128.or(g0, g1), v128.or(g2, g3)))) {
        const r = bestRow + ((<usize>j) << 2);
        v128.store(m, f32x4.pmax(y0, x0));
        v128.store(m, f32x4.pmax(y1, x1), 16);
        v128.store(m, f32x4.pmax(y2, x2), 32);
        v128.store(m, f32x4.pmax(y3, x3), 48);
        v128.store(r, v128.bitselect(here, v128.load(r), g0));
        v128.store(r, v128.bitselect(here, v128.load(r, 16), g1), 16);
        v128.store(r, v128.bitselect(here, v128.load(r, 32), g2), 32);
        v128.store(r, v128.bitselect(here, v128.load(r, 48), g3), 48);
      }
    }
  }
  raiseTail<f32>(row, i, j, to);
}

function raiseStrip64(i: i32, from: i32, to: i32): void {
  const row = rowAddress(i);
  let j = from;
  if (ASC_FEATURE_SIMD) {
    const flip = i64x2.splat(signFlip);
    const here = i32x4.splat(i);
    const end = to - 3;
    for (; j < end; j += 4) {
      const c = row + ((<usize>j) << 3);
      const m = best + ((<usize>j) << 3);
      const x0 = v128.xor(v128.load(c), flip);
      const x1 = v128.xor(v128.load(c, 16), flip);
      const y0 = v128.load(m);
      const y1 = v128.load(m, 16);
      const g0 = f64x2.gt(x0, y0);
      const g1 = f64x2.gt(x1, y1);
      if (v128.any_true(v128.or(g0, g1))) {
        const r = bestRow + ((<usize>j) << 2);
        v128.store(m, f64x2.pmax(y0, x0));
        v128.store(m, f64x2.pmax(y1, x1), 16);
        v128.store(r, v128.bitselect(here, v128.load(r), v128.shuffle<i32>(g0, g1, 0, 2, 4, 6)));
      }
    }
  }
  raiseTail<f64>(row, i, j, to);
}
