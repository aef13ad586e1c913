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

/** Bits of −infinity: as an unsigned number larger than those of any finite f32, and below those of negative NaNs. */
const MINUS_INFINITY: u32 = 0xff800000;

/** Whether the last reduction met a NaN or an infinity. */
export let metNonfinite: bool = false;

/** Sets prices and matches what it can, the lowest row and column among equals. Of f32 costs it checks each on the way. */
export function reduceColumns(): void {
  metNonfinite = false;
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
    const benefit = <T>benefitOf<T>(row, j);
    if (sizeof<T>() == 4 && !isFinite<T>(benefit)) metNonfinite = true;
    store<T>(best + <usize>j * sizeof<T>(), benefit);
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
    if (sizeof<T>() == 4 && !isFinite<T>(benefit)) metNonfinite = true;
    if (benefit > load<T>(at)) {
      store<T>(at, benefit);
      setInt(bestRow, j, i);
    }
  }
}

/**
 * Four vectors at a time and no f64: maxima of f32 are exact in f32. A NaN and +infinity are no benefits below the maximum,
 * so only where some are not is there a need to look; −infinity is the largest of all when bits are compared.
 */
function raiseStrip32(i: i32, from: i32, to: i32): void {
  const row = rowAddress(i);
  let j = from;
  if (ASC_FEATURE_SIMD) {
    const flip = i32x4.splat(<i32>(signFlip >> 32));
    const here = i32x4.splat(i);
    const end = to - 15;
    let bits = i32x4.splat(0);
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
      const low0 = f32x4.le(x0, y0);
      const low1 = f32x4.le(x1, y1);
      const low2 = f32x4.le(x2, y2);
      const low3 = f32x4.le(x3, y3);
      bits = i32x4.max_u(i32x4.max_u(bits, i32x4.max_u(x0, x1)), i32x4.max_u(x2, x3));
      if (!i32x4.all_true(v128.and(v128.and(low0, low1), v128.and(low2, low3)))) {
        const r = bestRow + ((<usize>j) << 2);
        const y = f32x4.pmax(y0, x0);
        const z = f32x4.pmax(y1, x1);
        const u = f32x4.pmax(y2, x2);
        const v = f32x4.pmax(y3, x3);
        v128.store(m, y);
        v128.store(m, z, 16);
        v128.store(m, u, 32);
        v128.store(m, v, 48);
        v128.store(r, v128.bitselect(v128.load(r), here, low0));
        v128.store(r, v128.bitselect(v128.load(r, 16), here, low1), 16);
        v128.store(r, v128.bitselect(v128.load(r, 32), here, low2), 32);
        v128.store(r, v128.bitselect(v128.load(r, 48), here, low3), 48);
        const high = i32x4.max_s(i32x4.max_s(x0, x1), i32x4.max_s(x2, x3));
        if (v128.any_true(i32x4.ge_s(high, i32x4.splat(0x7f800000)))) metNonfinite = true;
      }
    }
    if (v128.any_true(i32x4.ge_u(bits, i32x4.splat(MINUS_INFINITY)))) metNonfinite = true;
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
