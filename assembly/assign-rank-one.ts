// Benefits u[i] + v[j] + x[i]·y[j]: outer products, and squared distances of points on a line. Rows sorted by x and columns
// sorted by y belong together (the rearrangement inequality), and halfway between what two neighbours would pay for the
// next column lies its price. Rounding spoils that by a hair, and only a sample is looked at: exact stages go on from
// these prices, whatever they are worth.

import {
  ASIDE,
  benefitAt,
  columns,
  flatRows,
  getFloat,
  getInt,
  prices,
  rankColumns,
  rankRows,
  rankX,
  rankY,
  rows,
  setFloat,
  setInt,
} from "./assign-state";

/** Entries looked at per row. */
const SAMPLED: i32 = 16;

/** What rounding to f32 may do to a sum of four benefits and to a product of two such, as a share of the largest. */
const ROUNDING: f64 = 1.0 / <f64>(1 << 18);

/** The largest product must stand out this far from rounding, or the order of x and y is mostly noise. */
const CLEAR: f64 = 4;

/** Rows and columns that are not put aside: as many of each. */
let count: i32 = 0;

/** The benefit without the parts of row and column: what is left is 0 in the first row and the first column. */
function crossAt(row: i32, column: i32): f64 {
  const first = getInt(rankRows, 0);
  const left = getInt(rankColumns, 0);
  return benefitAt(row, column) - benefitAt(row, left) - (benefitAt(first, column) - benefitAt(first, left));
}

/** Whether the benefits are of this kind, as far as a sample shows. Sets x and y. */
export function isRankOne(): bool {
  listActive();
  let row = getInt(rankRows, count - 1);
  let column = largestAlong(row, true);
  row = largestAlong(column, false);
  column = largestAlong(row, true);
  const largest = crossAt(row, column);
  let scale: f64 = 0;
  for (let k: i32 = 0; k < count; k++) scale = max<f64>(scale, abs<f64>(benefitAt(row, getInt(rankColumns, k))));
  const tolerance = ROUNDING * scale;
  if (!(abs<f64>(largest) > CLEAR * tolerance)) return false;
  for (let k: i32 = 0; k < count; k++) {
    const i = getInt(rankRows, k);
    const j = getInt(rankColumns, k);
    setFloat(rankX, i, crossAt(i, column));
    setFloat(rankY, j, crossAt(row, j) / largest);
  }
  return sampleAgrees(tolerance);
}

function listActive(): void {
  count = 0;
  for (let i: i32 = 0; i < rows; i++) if (getInt(flatRows, i) != ASIDE) setInt(rankRows, count++, i);
  count = 0;
  for (let j: i32 = 0; j < columns; j++) if (getFloat(prices, j) != Infinity) setInt(rankColumns, count++, j);
}

/** The column where the cross part of a row is largest, or the row where that of a column is. */
function largestAlong(line: i32, isRow: bool): i32 {
  const list = isRow ? rankColumns : rankRows;
  let place = getInt(list, 0);
  let largest: f64 = 0;
  for (let k: i32 = 1; k < count; k++) {
    const other = getInt(list, k);
    const size = abs<f64>(isRow ? crossAt(line, other) : crossAt(other, line));
    if (size <= largest) continue;
    largest = size;
    place = other;
  }
  return place;
}

function sampleAgrees(tolerance: f64): bool {
  const step = max(1, count / SAMPLED);
  for (let k: i32 = 0; k < count; k++) {
    const i = getInt(rankRows, k);
    for (let s: i32 = 0; s < SAMPLED; s++) {
      const j = getInt(rankColumns, <i32>((<i64>k * 7 + s * step) % count));
      if (abs<f64>(crossAt(i, j) - getFloat(rankX, i) * getFloat(rankY, j)) > tolerance) return false;
    }
  }
  return true;
}

/** Sets the prices at which each row wants the column of its own place in the order. After `isRankOne`. */
export function priceBySorting(): void {
  sortBy(rankRows, rankX);
  sortBy(rankColumns, rankY);
  let price: f64 = 0;
  let left = getInt(rankColumns, 0);
  setFloat(prices, left, price);
  for (let k: i32 = 1; k < count; k++) {
    const below = getInt(rankRows, k - 1);
    const above = getInt(rankRows, k);
    const column = getInt(rankColumns, k);
    const least = benefitAt(below, column) - benefitAt(below, left);
    const most = benefitAt(above, column) - benefitAt(above, left);
    price += (least + most) / 2;
    setFloat(prices, column, price);
    left = column;
  }
}

/** Sorts `list` by ascending keys, equal ones by index: a heap, its greatest moved to the end again and again. */
function sortBy(list: usize, keys: usize): void {
  for (let k = count / 2 - 1; k >= 0; k--) sink(list, keys, k, count);
  for (let end = count - 1; end > 0; end--) {
    const greatest = getInt(list, 0);
    setInt(list, 0, getInt(list, end));
    setInt(list, end, greatest);
    sink(list, keys, 0, end);
  }
}

function sink(list: usize, keys: usize, from: i32, end: i32): void {
  const moving = getInt(list, from);
  let at = from;
  while (true) {
    let child = 2 * at + 1;
    if (child >= end) break;
    if (child + 1 < end && isBefore(keys, getInt(list, child), getInt(list, child + 1))) child++;
    if (!isBefore(keys, moving, getInt(list, child))) break;
    setInt(list, at, getInt(list, child));
    at = child;
  }
  setInt(list, at, moving);
}

function isBefore(keys: usize, one: i32, other: i32): bool {
  const a = getFloat(keys, one);
  const b = getFloat(keys, other);
  return a < b || (a == b && one < other);
}
