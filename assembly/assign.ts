// Linear assignment, exactly: Jonker & Volgenant (1987) with f64 prices. Column reduction, augmenting row reduction,
// then shortest augmenting paths: over dense rows for small problems, over candidate lists for larger ones. Every
// decision is an exact minimum with ties broken by a fixed order, so both builds give the same bits.

import { reduceColumns } from "./assign-columns";
import { augmentLazily, lazyIsLosing, startLazyPaths } from "./assign-lazy";
import { listsAreTied, resetLists } from "./assign-lists";
import { augmentDense } from "./assign-paths";
import { reduceRows } from "./assign-rows";
import { isFlat } from "./assign-scan";
import {
  columnRow,
  columns,
  costAt,
  flatRows,
  freeRows,
  getFloat,
  getInt,
  NONE,
  placeWork,
  prices,
  rowColumn,
  rows,
  setFloat,
  setInt,
  setProblem,
  sign,
} from "./assign-state";

/** Columns from which candidate lists pay. */
const LISTS_FROM: i32 = 384;

/** Steps of row reduction per row: a step over a list is cheap, over a dense row less so. */
const LIST_STEPS: i32 = 8;
const DENSE_STEPS: i32 = 4;

/** Bytes of work area that `assign` needs for n rows and m columns; the greatest usize where that is beyond 4 GiB. */
export function assignWork(n: i32, m: i32): usize {
  // More than a row and a column take (1,576 and 64 bytes), so that the sum below cannot wrap around.
  if (<u64>n * 2048 + <u64>m * 128 > <u64>usize.MAX_VALUE) return usize.MAX_VALUE;
  return placeWork(0, n, m, m >= LISTS_FROM);
}

/**
 * Assigns every one of n rows its own of m ≥ n columns, at least total cost, or greatest if `maximize`. `cost`:
 * row-major f32 or f64 with `ld` elements between rows, all finite, only read. Out: `rowToColumn` i32[n], `rowDuals`
 * f64[n], `columnDuals` f64[m], with rowDual + columnDual tight on every assigned pair, ≥ cost everywhere when
 * maximising and ≤ when minimising, and 0 for a column without a row. Returns the sum of the assigned costs, in row
 * order. `work`: assignWork(n, m) bytes.
 */
export function assign(
  cost: usize,
  ld: i32,
  n: i32,
  m: i32,
  isF64: i32,
  maximize: i32,
  rowToColumn: usize,
  rowDuals: usize,
  columnDuals: usize,
  work: usize,
): f64 {
  const lists = m >= LISTS_FROM;
  setProblem(cost, ld, n, m, isF64 != 0, maximize != 0, columnDuals, rowToColumn);
  placeWork(work, n, m, lists);
  start();
  if (n == m) reduceColumns();
  const free = collectFree();
  if (free > 0) {
    if (lists) finishWithLists(free);
    else finishDense(free);
  }
  return writeDuals(rowDuals);
}

function start(): void {
  for (let j: i32 = 0; j < columns; j++) {
    setFloat(prices, j, 0);
    setInt(columnRow, j, NONE);
  }
  for (let i: i32 = 0; i < rows; i++) setInt(rowColumn, i, NONE);
}

function collectFree(): i32 {
  let free: i32 = 0;
  for (let i: i32 = 0; i < rows; i++) {
    if (getInt(rowColumn, i) == NONE) setInt(freeRows, free++, i);
  }
  if (free > 0) {
    for (let i: i32 = 0; i < rows; i++) setInt(flatRows, i, isFlat(i));
  }
  return free;
}

function finishDense(count: i32): void {
  const free = reduceRows(count, DENSE_STEPS * rows, false);
  augmentFrom(0, free);
}

function finishWithLists(count: i32): void {
  resetLists();
  const free = reduceRows(count, LIST_STEPS * rows, true);
  let done: i32 = 0;
  if (!listsAreTied()) {
    startLazyPaths();
    while (done < free && !lazyIsLosing()) augmentLazily(getInt(freeRows, done++));
  }
  augmentFrom(done, free);
}

function augmentFrom(done: i32, free: i32): void {
  for (let k = done; k < free; k++) augmentDense(getInt(freeRows, k));
}

/** Turns prices (in place) into column duals, writes the row duals, and sums the assigned costs. */
function writeDuals(rowDuals: usize): f64 {
  // Adding 0 turns −0 into 0.
  for (let j: i32 = 0; j < columns; j++) setFloat(prices, j, sign * getFloat(prices, j) + 0);
  let objective: f64 = 0;
  for (let i: i32 = 0; i < rows; i++) {
    const column = getInt(rowColumn, i);
    const cost = costAt(i, column);
    setFloat(rowDuals, i, cost - getFloat(prices, column) + 0);
    objective += cost;
  }
  return objective;
}
