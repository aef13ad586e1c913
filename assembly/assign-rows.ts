// Augmenting row reduction (Jonker & Volgenant 1987): a free row takes its best column and raises that column's price
// until the second best is as good; the row it displaces goes on. On float costs this can go on almost for ever for
// almost no gain, so it works within a budget of steps; what stays free is left to the paths.

import { findListMinima, findListTie } from "./assign-lists";
import { findTwoMinima, minimum, minimumColumn, secondMinimum } from "./assign-scan";
import {
  columnRow,
  columns,
  freeRows,
  getFloat,
  getInt,
  NONE,
  prices,
  reducedAt,
  rowColumn,
  setFloat,
  setInt,
} from "./assign-state";

const PASSES: i32 = 2;

let left: i32 = 0;
let kept: i32 = 0;

/** Works on the first `count` free rows; returns how many are still free, packed to the front. */
export function reduceRows(count: i32, budget: i32, lists: bool): i32 {
  left = budget;
  for (let pass: i32 = 0; pass < PASSES && count > 0 && left > 0; pass++) count = reduceOnce(count, lists);
  return count;
}

function reduceOnce(count: i32, lists: bool): i32 {
  let next: i32 = 0;
  kept = 0;
  while (next < count) {
    const row = getInt(freeRows, next++);
    if (left <= 0) {
      keep(row);
      continue;
    }
    left--;
    const displaced = settle(row, lists);
    if (displaced == NONE) continue;
    // Where the price rose, the displaced row goes at once; at a tie it waits for the next pass, or rows could trade
    // a column for ever.
    if (raised) setInt(freeRows, --next, displaced);
    else keep(displaced);
  }
  return kept;
}

function keep(row: i32): void {
  setInt(freeRows, kept++, row);
}

/** Whether the last settled row raised a price. */
let raised: bool = false;

/** Gives `row` its best column; returns the row that had it, or NONE. */
function settle(row: i32, lists: bool): i32 {
  if (lists) findListMinima(row);
  else findTwoMinima(row);
  let column = minimumColumn;
  const level = minimum;
  const price = getFloat(prices, column);
  const raisedPrice = price + (secondMinimum - level);
  raised = raisedPrice > price;
  let displaced = getInt(columnRow, column);
  if (raised) setFloat(prices, column, raisedPrice);
  else if (displaced != NONE) {
    const other = lists ? findListTie(row, level, column) : findTie(row, level, column);
    if (other != NONE) {
      column = other;
      displaced = getInt(columnRow, column);
    }
  }
  setInt(rowColumn, row, column);
  setInt(columnRow, column, row);
  if (displaced != NONE) setInt(rowColumn, displaced, NONE);
  return displaced;
}

/** Another column as good: the lowest free one, else the lowest. */
function findTie(row: i32, level: f64, column: i32): i32 {
  let other = NONE;
  for (let j: i32 = 0; j < columns; j++) {
    if (j == column || reducedAt(row, j) > level) continue;
    if (getInt(columnRow, j) == NONE) return j;
    if (other == NONE) other = j;
  }
  return other;
}
