// Linear assignment, exactly: Jonker & Volgenant (1987) with f64 prices. Column reduction, augmenting row reduction,
// then shortest augmenting paths: over dense rows for small problems, over candidate lists for larger ones. Where column
// reduction says that many rows want the same columns, an auction finds the prices first. Every decision is an exact
// minimum with ties broken by a fixed order, so both builds give the same bits.

import { bringBack, markFlatRows, putAside } from "./assign-aside";
import { runAuction, sampleCosts, standsOut } from "./assign-auction";
import { keepEarlierPrices, matchAtEarlierPrices, matchBest } from "./assign-best";
import { metNonfinite, reduceColumns } from "./assign-columns";
import { augmentLazily, lazyIsLosing, startLazyPaths } from "./assign-lazy";
import { listsAreTied, resetLists } from "./assign-lists";
import { augmentDense } from "./assign-paths";
import { isRankOne, priceBySorting } from "./assign-rank-one";
import { reduceRows } from "./assign-rows";
import {
  ASIDE,
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
  rowAddress,
  rowColumn,
  rows,
  setFloat,
  setInt,
  setProblem,
  sign,
  wide,
} from "./assign-state";
import { nonfinite32, nonfinite64 } from "./finite";

/** Columns from which candidate lists pay. */
const LISTS_FROM: i32 = 96;

/** And columns from which they pay where few rows are free at earlier prices. */
const LISTS_AGAIN_FROM: i32 = 768;

/** Steps of row reduction per row: a step over a list is cheap, over a dense row less so. */
const LIST_STEPS: i32 = 8;
const DENSE_STEPS: i32 = 4;
/** Where the prices are good already. */
const PRICED_STEPS: i32 = 2;

/** Earlier prices must leave at most this part of the rows free, or finding prices afresh is faster. */
const EARLIER_SHARE: i32 = 2;

/** Rows from which an auction may pay: where many want the same columns, and where costs are independent. */
const AUCTION_FROM: i32 = 48;
const TAILED_FROM: i32 = 192;

// What the last call did, for tests and measurements.
const BY_COLUMNS: i32 = 0;
const BY_PATHS: i32 = 1;
const BY_LISTS: i32 = 2;
const BY_AUCTION: i32 = 3;
const BY_SORTING: i32 = 4;
const BY_EARLIER: i32 = 5;
const WITH_ASIDE: i32 = 8;
const REFUSED: i32 = -1;
let method: i32 = 0;

/**
 * How the last assignment was found: 0 column reduction alone, 1 dense paths, 2 candidate lists, 3 auction,
 * 4 sorting, 5 earlier prices; plus 8 if dead rows and columns were put aside. −1: it was refused.
 */
export function assignMethod(): i32 {
  return method;
}

/** Bytes of work area that `assign` needs for n rows and m columns; the greatest usize where that is beyond 4 GiB. */
export function assignWork(n: i32, m: i32): usize {
  // More than a row and a column take (1,588 and 92 bytes), so that the sum below cannot wrap around.
  if (<u64>n * 2048 + <u64>m * 128 > <u64>usize.MAX_VALUE) return usize.MAX_VALUE;
  return placeWork(0, n, m, m >= LISTS_FROM);
}

/**
 * Assigns every one of n rows its own of m ≥ n columns, at least total cost, or greatest if `maximize`. `cost`:
 * row-major f32 or f64 with `ld` elements between rows, only read. A cost that is NaN or infinite is refused: NaN is
 * returned, the method is −1, and nothing else is defined. Out: `rowToColumn` i32[n], `rowDuals`
 * f64[n], `columnDuals` f64[m], with rowDual + columnDual tight on every assigned pair, ≥ cost everywhere when
 * maximising and ≤ when minimising, and 0 for a column without a row. Returns the sum of the assigned costs, in row
 * order. `work`: assignWork(n, m) bytes. `resume`: 1 if n = m and `columnDuals` holds those of a similar matrix, to start
 * from where that pays.
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
  resume: i32,
): f64 {
  const lists = m >= LISTS_FROM;
  setProblem(cost, ld, n, m, isF64 != 0, maximize != 0, columnDuals, rowToColumn);
  placeWork(work, n, m, lists);
  if (resume != 0) keepEarlierPrices();
  let pairs = prepare();
  if (pairs == NONE) {
    method = REFUSED;
    return NaN;
  }
  method = BY_COLUMNS;
  if (isAnyFree()) {
    const free = resume != 0 ? matchAtEarlierPrices((n - pairs) / EARLIER_SHARE) : NONE;
    if (free == NONE) {
      if (resume != 0) pairs = prepare();
      solveAfresh(pairs, lists);
    } else {
      method = BY_EARLIER;
      if (columns >= LISTS_AGAIN_FROM) finishWithLists(free);
      else finishDense(free, PRICED_STEPS);
    }
  }
  if (pairs > 0) {
    method += WITH_ASIDE;
    augmentFrom(0, bringBack(pairs));
  }
  return writeDuals(rowDuals);
}

/** Column reduction, and where that leaves rows free, pairs put aside; returns how many, NONE where a cost is not finite. */
function prepare(): i32 {
  start();
  if ((wide || rows != columns) && !isFiniteInRows()) return NONE;
  if (rows != columns) {
    markFlatRows();
    return 0;
  }
  reduceColumns();
  if (metNonfinite) return NONE;
  if (!isAnyFree()) return 0;
  markFlatRows();
  return putAside();
}

function isFiniteInRows(): bool {
  for (let i: i32 = 0; i < rows; i++) {
    const row = rowAddress(i);
    if ((wide ? nonfinite64(row, columns) : nonfinite32(row, columns)) >= 0) return false;
  }
  return true;
}

function solveAfresh(pairs: i32, lists: bool): void {
  const free = collectFree();
  method = rows == columns ? chooseMethod(free, rows - pairs) : lists ? BY_LISTS : BY_PATHS;
  if (method == BY_SORTING) {
    priceBySorting();
    finishDense(matchBest(rows), PRICED_STEPS);
  } else if (method == BY_AUCTION) finishDense(runAuction(), PRICED_STEPS);
  else if (method == BY_LISTS) finishWithLists(free);
  else finishDense(free, DENSE_STEPS);
}

function start(): void {
  for (let j: i32 = 0; j < columns; j++) {
    setFloat(prices, j, 0);
    setInt(columnRow, j, NONE);
  }
  for (let i: i32 = 0; i < rows; i++) setInt(rowColumn, i, NONE);
}

function isAnyFree(): bool {
  for (let i: i32 = 0; i < rows; i++) if (getInt(rowColumn, i) == NONE) return true;
  return false;
}

/** Lists the rows that need a column; returns how many. */
function collectFree(): i32 {
  let free: i32 = 0;
  for (let i: i32 = 0; i < rows; i++) {
    if (getInt(rowColumn, i) == NONE && getInt(flatRows, i) != ASIDE) setInt(freeRows, free++, i);
  }
  return free;
}

/**
 * How to finish a square problem. Independent costs leave 37 % of the rows free after column reduction, gradients of
 * networks 75 to 97 %, costs of rank 1 all but two: that is where an auction finds good prices sooner than paths do, or sorting alone.
 * Ties leave many rows free too, but dense paths are fast there, and lists too short. Among independent costs the
 * auction is for those with a tail: where the best are close together, as uniform ones are, it takes long to tell them
 * apart.
 */
function chooseMethod(free: i32, active: i32): i32 {
  const mean = meanPrice(active);
  if (mean == Infinity) return BY_PATHS;
  if (active >= AUCTION_FROM && free * 5 >= active) {
    if (isRankOne()) return BY_SORTING;
    sampleCosts();
    if (free * 2 >= active || (active >= TAILED_FROM && standsOut(mean))) return BY_AUCTION;
  }
  return columns >= LISTS_FROM ? BY_LISTS : BY_PATHS;
}

/** Mean of the prices after column reduction; infinite where many neighbours are equal. */
function meanPrice(active: i32): f64 {
  let equal: i32 = 0;
  let sum: f64 = 0;
  let before: f64 = Infinity;
  for (let j: i32 = 0; j < columns; j++) {
    const price = getFloat(prices, j);
    if (price == Infinity) continue;
    if (price == before) equal++;
    sum += price;
    before = price;
  }
  return equal * 4 < active ? sum / <f64>active : Infinity;
}

function finishDense(count: i32, steps: i32): void {
  augmentFrom(0, reduceRows(count, steps * rows, false));
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
