// Where a matching starts from prices that were found elsewhere: by an auction, by sorting, or for an earlier matrix.

import { findTwoMinima, minimumColumn } from "./assign-scan";
import {
  ASIDE,
  columnRow,
  columns,
  earlierPrices,
  flatRows,
  freeRows,
  getFloat,
  getInt,
  match,
  NONE,
  prices,
  rowColumn,
  rows,
  setFloat,
  setInt,
  sign,
} from "./assign-state";

/** Leaves no column with a row. */
export function partAll(): void {
  for (let j: i32 = 0; j < columns; j++) setInt(columnRow, j, NONE);
}

/**
 * Gives each row its best column at the present prices if no row before it has it, rows put aside excepted. Returns how
 * many rows are free, listed in freeRows; or NONE, half-way, once they are more than `most`.
 */
export function matchBest(most: i32): i32 {
  partAll();
  for (let i: i32 = 0; i < rows; i++) setInt(rowColumn, i, NONE);
  let free: i32 = 0;
  for (let i: i32 = 0; i < rows; i++) {
    if (getInt(flatRows, i) == ASIDE) continue;
    findTwoMinima(i);
    if (getInt(columnRow, minimumColumn) == NONE) match(i, minimumColumn);
    else if (free < most) setInt(freeRows, free++, i);
    else return NONE;
  }
  return free;
}

/** Keeps the prices that column duals of an earlier matrix stand for, before this one's take their place. */
export function keepEarlierPrices(): void {
  for (let j: i32 = 0; j < columns; j++) setFloat(earlierPrices, j, sign * getFloat(prices, j));
}

/** As `matchBest`, at the earlier prices; columns put aside stay so. */
export function matchAtEarlierPrices(most: i32): i32 {
  for (let j: i32 = 0; j < columns; j++) {
    if (getFloat(prices, j) != Infinity) setFloat(prices, j, getFloat(earlierPrices, j));
  }
  return matchBest(most);
}
