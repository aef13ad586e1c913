// Shortest augmenting paths over candidate lists: Dijkstra with a heap that sees only listed columns. A column outside
// the list of a scanned row is at least `bound` = threshold − offset away, so a column popped at or below every bound is
// certainly the nearest; otherwise the row with the lowest bound is relaxed over all its columns first. Exact, and
// whole rows are rarely read.

import { heapSize, popNearest, pushColumn, resetHeap, riseColumn } from "./assign-heap";
import { benefitsOf, columnsOf, dropList, ensureList } from "./assign-lists";
import { turnPath } from "./assign-paths";
import { freeColumn, freeDistance, setFree } from "./assign-scan";
import {
  benefitOf,
  columnRow,
  columnState,
  columns,
  distances,
  flatRows,
  fromRow,
  getFloat,
  getInt,
  heap,
  Lanes,
  listThreshold,
  NONE,
  pathBounds,
  pathOffsets,
  pathRows,
  prices,
  reducedAt,
  rowAddress,
  rows,
  scanned,
  setFloat,
  setInt,
  signFlip,
  touched,
  wide,
} from "./assign-state";

const UNTOUCHED: i32 = 0;
const OPEN: i32 = 1;
const SCANNED: i32 = 2;

let touchedCount: i32 = 0;
let pathLength: i32 = 0;
let lowestBound: f64 = Infinity;

// What the lists cost on this problem: rows scanned, and rows that had to be relaxed densely after all.
let scans: i64 = 0;
let misses: i64 = 0;

export function startLazyPaths(): void {
  for (let j: i32 = 0; j < columns; j++) setInt(columnState, j, UNTOUCHED);
  scans = 0;
  misses = 0;
}

/** Whether so many rows needed dense relaxing that dense paths will be faster. */
export function lazyIsLosing(): bool {
  return misses > (rows >> 1) + 64 && misses > scans >> 3;
}

/** Matches the free row `root` along a shortest path, and raises prices so that every matched pair stays tight. */
export function augmentLazily(root: i32): void {
  resetHeap();
  setFree(Infinity, NONE);
  touchedCount = 0;
  pathLength = 0;
  lowestBound = Infinity;
  let count: i32 = 0;
  let level: f64 = -Infinity;
  let flatSeen = getInt(flatRows, root) != 0;
  scanRow(root, 0);
  while (freeDistance > level) {
    certify();
    const d = getFloat(distances, getInt(heap, 1));
    if (d > level) level = d;
    if (freeDistance <= level) break;
    const column = popNearest();
    setInt(columnState, column, SCANNED);
    setInt(scanned, count++, column);
    const row = getInt(columnRow, column);
    const flat = getInt(flatRows, row) != 0;
    // All flat rows see the same order of columns, and the first one scanned is the nearest: the others shorten nothing.
    if (!(flat && flatSeen)) scanRow(row, reducedAt(row, column) - d);
    flatSeen = flatSeen || flat;
  }
  for (let k: i32 = 0; k < count; k++) {
    const column = getInt(scanned, k);
    setFloat(prices, column, getFloat(prices, column) + (level - getFloat(distances, column)));
  }
  turnPath(root, freeColumn);
  cleanUp();
}

/** Shortens distances to the listed columns of `row`. */
function scanRow(row: i32, offset: f64): void {
  scans++;
  const length = ensureList(row);
  const bound = getFloat(listThreshold, row) - offset;
  setInt(pathRows, pathLength, row);
  setFloat(pathOffsets, pathLength, offset);
  setFloat(pathBounds, pathLength, bound);
  pathLength++;
  if (bound < lowestBound) lowestBound = bound;
  const candidates = columnsOf(row);
  const benefits = benefitsOf(row);
  for (let t: i32 = 0; t < length; t++) {
    const column = getInt(candidates, t);
    const d = getFloat(prices, column) - getFloat(benefits, t) - offset;
    if (d < freeDistance) relax(column, d, row);
  }
}

/** Offers `column` the distance `d` through `row`. Only distances below that of the nearest free column matter. */
function relax(column: i32, d: f64, row: i32): void {
  const state = getInt(columnState, column);
  if (state == SCANNED || (state == OPEN && d >= getFloat(distances, column))) return;
  setFloat(distances, column, d);
  setInt(fromRow, column, row);
  if (getInt(columnRow, column) == NONE) setFree(d, column);
  if (state == OPEN) riseColumn(column);
  else {
    setInt(columnState, column, OPEN);
    setInt(touched, touchedCount++, column);
    pushColumn(column);
  }
}

/** Relaxes whole rows until the top of the heap is certainly the nearest open column. */
function certify(): void {
  while (heapSize == 0 || getFloat(distances, getInt(heap, 1)) > lowestBound) {
    let lowest: i32 = 0;
    for (let k: i32 = 1; k < pathLength; k++) {
      if (getFloat(pathBounds, k) < getFloat(pathBounds, lowest)) lowest = k;
    }
    misses++;
    const row = getInt(pathRows, lowest);
    if (wide) relaxAll<f64>(row, getFloat(pathOffsets, lowest));
    else relaxAll<f32>(row, getFloat(pathOffsets, lowest));
    setFloat(pathBounds, lowest, Infinity);
    lowestBound = Infinity;
    for (let k: i32 = 0; k < pathLength; k++) lowestBound = min(lowestBound, getFloat(pathBounds, k));
  }
}

function relaxAll<T extends number>(row: i32, offset: f64): void {
  const start = rowAddress(row);
  let j: i32 = 0;
  if (ASC_FEATURE_SIMD) {
    const flip = i64x2.splat(signFlip);
    const back = f64x2.splat(offset);
    const whole = columns & ~3;
    let c = start;
    let p = prices;
    for (; j < whole; j += 4) {
      const free = f64x2.splat(freeDistance);
      const d0 = f64x2.sub(f64x2.sub(v128.load(p), Lanes.benefits<T>(c, flip)), back);
      const d1 = f64x2.sub(f64x2.sub(v128.load(p, 16), Lanes.benefits<T>(c + 2 * sizeof<T>(), flip)), back);
      let mask = i64x2.bitmask(f64x2.lt(d0, free)) | (i64x2.bitmask(f64x2.lt(d1, free)) << 2);
      while (mask) {
        const column = j + ctz(mask);
        mask &= mask - 1;
        const d = getFloat(prices, column) - benefitOf<T>(start, column) - offset;
        if (d < freeDistance) relax(column, d, row);
      }
      c += 4 * sizeof<T>();
      p += 32;
    }
  }
  for (; j < columns; j++) {
    const d = getFloat(prices, j) - benefitOf<T>(start, j) - offset;
    if (d < freeDistance) relax(j, d, row);
  }
}

/** Readies the work areas for the next path, and drops the lists that fell short on this one. */
function cleanUp(): void {
  for (let k: i32 = 0; k < touchedCount; k++) setInt(columnState, getInt(touched, k), UNTOUCHED);
  for (let k: i32 = 0; k < pathLength; k++) {
    if (getFloat(pathBounds, k) == Infinity) dropList(getInt(pathRows, k));
  }
}
