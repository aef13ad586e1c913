// Dense sweeps over one row of the assignment problem. Results are exact minima with the lowest index among equals,
// so the order of the lanes cannot show: the SIMD and the scalar build agree to the bit.

import {
  benefitOf,
  columnRow,
  columns,
  costAt,
  distances,
  fromRow,
  getFloat,
  getInt,
  Lanes,
  NONE,
  openPrices,
  prices,
  rowAddress,
  setFloat,
  setInt,
  signFlip,
  wide,
} from "./assign-state";

/** Columns between two looks at the minimum so far: its place is searched only inside one block. */
const BLOCK: i32 = 64;

// Results of the last sweep.
export let minimum: f64 = 0;
export let secondMinimum: f64 = 0;
export let minimumColumn: i32 = 0;

export function setMinima(first: f64, second: f64, column: i32): void {
  minimum = first;
  secondMinimum = second;
  minimumColumn = column;
}

/** Shortest distance of a free column on the current path, and that column: the path need not go further. */
export let freeDistance: f64 = Infinity;
export let freeColumn: i32 = NONE;

export function setFree(distance: f64, column: i32): void {
  freeDistance = distance;
  freeColumn = column;
}

/** The two smallest h of a row, and the column of the smallest. */
export function findTwoMinima(row: i32): void {
  if (wide) twoMinimaOf<f64>(row);
  else twoMinimaOf<f32>(row);
}

function twoMinimaOf<T extends number>(row: i32): void {
  const start = rowAddress(row);
  let first: f64 = Infinity;
  let second: f64 = Infinity;
  let block: i32 = 0;
  let j: i32 = 0;
  if (ASC_FEATURE_SIMD) {
    const flip = i64x2.splat(signFlip);
    const whole = columns & ~3;
    let a0 = f64x2.splat(Infinity);
    let a1 = a0;
    let b0 = a0;
    let b1 = a0;
    let c = start;
    let p = prices;
    while (j < whole) {
      const begin = j;
      const end = min(j + BLOCK, whole);
      for (; j < end; j += 4) {
        const h0 = f64x2.sub(v128.load(p), Lanes.benefits<T>(c, flip));
        const h1 = f64x2.sub(v128.load(p, 16), Lanes.benefits<T>(c + 2 * sizeof<T>(), flip));
        b0 = f64x2.pmin(b0, f64x2.pmax(a0, h0));
        a0 = f64x2.pmin(a0, h0);
        b1 = f64x2.pmin(b1, f64x2.pmax(a1, h1));
        a1 = f64x2.pmin(a1, h1);
        c += 4 * sizeof<T>();
        p += 32;
      }
      const lowest = Lanes.lower(f64x2.pmin(a0, a1));
      if (lowest < first) {
        first = lowest;
        block = begin;
      }
    }
    // The second of all: the larger of the two best lanes of each pair, or a lane's own second.
    const low = f64x2.pmin(a0, a1);
    const rest = f64x2.pmin(f64x2.pmax(a0, a1), f64x2.pmin(b0, b1));
    second = min<f64>(Lanes.lower(rest), max<f64>(f64x2.extract_lane(low, 0), f64x2.extract_lane(low, 1)));
  }
  for (; j < columns; j++) {
    const h = getFloat(prices, j) - benefitOf<T>(start, j);
    if (h < second) {
      if (h < first) {
        second = first;
        first = h;
        block = j;
      } else second = h;
    }
  }
  while (getFloat(prices, block) - benefitOf<T>(start, block) != first) block++;
  minimum = first;
  secondMinimum = second;
  minimumColumn = block;
}

/** Starts a dense path: every column at distance h from `row`, all open. Finds the nearest column. */
export function startDistances(row: i32): void {
  if (wide) startDistancesOf<f64>(row);
  else startDistancesOf<f32>(row);
}

function startDistancesOf<T extends number>(row: i32): void {
  const start = rowAddress(row);
  let j: i32 = 0;
  if (ASC_FEATURE_SIMD) {
    const flip = i64x2.splat(signFlip);
    const from = i32x4.splat(row);
    const whole = columns & ~3;
    let c = start;
    for (; j < whole; j += 4) {
      const at = (<usize>j) << 3;
      const p0 = v128.load(prices + at);
      const p1 = v128.load(prices + at, 16);
      v128.store(distances + at, f64x2.sub(p0, Lanes.benefits<T>(c, flip)));
      v128.store(distances + at, f64x2.sub(p1, Lanes.benefits<T>(c + 2 * sizeof<T>(), flip)), 16);
      v128.store(openPrices + at, p0);
      v128.store(openPrices + at, p1, 16);
      v128.store(fromRow + (at >> 1), from);
      c += 4 * sizeof<T>();
    }
  }
  for (; j < columns; j++) {
    const p = getFloat(prices, j);
    setFloat(openPrices, j, p);
    setFloat(distances, j, p - benefitOf<T>(start, j));
    setInt(fromRow, j, row);
  }
  findNearest();
}

/** The nearest open column. */
export function findNearest(): void {
  let lowest: f64 = Infinity;
  let block: i32 = 0;
  let j: i32 = 0;
  if (ASC_FEATURE_SIMD) {
    const whole = columns & ~3;
    let d = distances;
    while (j < whole) {
      const begin = j;
      const end = min(j + BLOCK, whole);
      let a0 = f64x2.splat(Infinity);
      let a1 = a0;
      for (; j < end; j += 4) {
        a0 = f64x2.pmin(a0, v128.load(d));
        a1 = f64x2.pmin(a1, v128.load(d, 16));
        d += 32;
      }
      const here = Lanes.lower(f64x2.pmin(a0, a1));
      if (here < lowest) {
        lowest = here;
        block = begin;
      }
    }
  }
  finishNearest(j, lowest, block);
}

/** The scalar end of a search for the nearest column: columns from `j` on, then the place of the minimum. */
function finishNearest(from: i32, soFar: f64, place: i32): void {
  let lowest = soFar;
  let block = place;
  for (let j = from; j < columns; j++) {
    const d = getFloat(distances, j);
    if (d < lowest) {
      lowest = d;
      block = j;
    }
  }
  while (getFloat(distances, block) != lowest) block++;
  minimum = lowest;
  minimumColumn = block;
}

/** Shortens distances through `row`, whose own distance makes `offset`; finds the nearest open column. */
export function shortenDistances(row: i32, offset: f64): void {
  if (wide) shortenDistancesOf<f64>(row, offset);
  else shortenDistancesOf<f32>(row, offset);
}

function shortenDistancesOf<T extends number>(row: i32, offset: f64): void {
  const start = rowAddress(row);
  let lowest: f64 = Infinity;
  let block: i32 = 0;
  let j: i32 = 0;
  if (ASC_FEATURE_SIMD) {
    const flip = i64x2.splat(signFlip);
    const back = f64x2.splat(offset);
    const whole = columns & ~3;
    let c = start;
    let d = distances;
    let p = openPrices;
    while (j < whole) {
      const begin = j;
      const end = min(j + BLOCK, whole);
      let near = f64x2.splat(Infinity);
      for (; j < end; j += 4) {
        const h0 = f64x2.sub(f64x2.sub(v128.load(p), Lanes.benefits<T>(c, flip)), back);
        const h1 = f64x2.sub(f64x2.sub(v128.load(p, 16), Lanes.benefits<T>(c + 2 * sizeof<T>(), flip)), back);
        const d0 = v128.load(d);
        const d1 = v128.load(d, 16);
        const less0 = f64x2.lt(h0, d0);
        const less1 = f64x2.lt(h1, d1);
        const m0 = f64x2.pmin(d0, h0);
        const m1 = f64x2.pmin(d1, h1);
        if (v128.any_true(v128.or(less0, less1))) {
          v128.store(d, m0);
          v128.store(d, m1, 16);
          let mask = i64x2.bitmask(less0) | (i64x2.bitmask(less1) << 2);
          while (mask) {
            reached(j + ctz(mask), row);
            mask &= mask - 1;
          }
        }
        near = f64x2.pmin(near, f64x2.pmin(m0, m1));
        c += 4 * sizeof<T>();
        d += 32;
        p += 32;
      }
      const here = Lanes.lower(near);
      if (here < lowest) {
        lowest = here;
        block = begin;
      }
    }
  }
  for (let t = j; t < columns; t++) {
    const h = getFloat(openPrices, t) - benefitOf<T>(start, t) - offset;
    if (h < getFloat(distances, t)) {
      setFloat(distances, t, h);
      reached(t, row);
    }
  }
  finishNearest(j, lowest, block);
}

function reached(column: i32, row: i32): void {
  setInt(fromRow, column, row);
  if (getInt(columnRow, column) == NONE) {
    const d = getFloat(distances, column);
    if (d < freeDistance) {
      freeDistance = d;
      freeColumn = column;
    }
  }
}

/** 1 if all costs of the row are equal: every column is alike to it, up to its price. Stops at the first that differs. */
export function isFlat(row: i32): i32 {
  const first = costAt(row, 0);
  for (let j: i32 = 1; j < columns; j++) {
    if (costAt(row, j) != first) return 0;
  }
  return 1;
}
