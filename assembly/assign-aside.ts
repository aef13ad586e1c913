// Dead units: rows and columns of one value only, as many of each as there are pairs. The best assignment of the rest
// leaves them to each other, or nearly: so they are put aside, at price +infinity, until the rest is solved. Otherwise
// every path has to lift the prices of all dead columns together.

import { isFlat } from "./assign-scan";
import {
  ASIDE,
  bestRow,
  columnRow,
  columns,
  costAt,
  FLAT,
  flatColumns,
  flatRows,
  freeRows,
  getFloat,
  getInt,
  match,
  NONE,
  part,
  prices,
  reducedAt,
  rowColumn,
  rows,
  setFloat,
  setInt,
} from "./assign-state";

/** Rows and columns that must stay: a row needs a second choice. */
const STAY: i32 = 2;

export function markFlatRows(): void {
  for (let i: i32 = 0; i < rows; i++) setInt(flatRows, i, isFlat(i) ? FLAT : 0);
}

/** Puts pairs of flat rows and flat columns aside, after column reduction of a square problem; returns how many. */
export function putAside(): i32 {
  let flat: i32 = 0;
  for (let i: i32 = 0; i < rows; i++) if (getInt(flatRows, i) == FLAT) flat++;
  if (flat == 0) return 0;
  const flatCount = findFlatColumns();
  const pairs = min(min(flat, flatCount), rows - STAY);
  if (pairs <= 0 || areWanted(flatCount)) return 0;
  for (let i: i32 = 0, k: i32 = 0; k < pairs; i++) {
    if (getInt(flatRows, i) != FLAT) continue;
    setInt(flatRows, i, ASIDE);
    k++;
    const column = getInt(rowColumn, i);
    if (column != NONE) part(i, column);
  }
  for (let k: i32 = 0; k < pairs; k++) {
    const column = getInt(flatColumns, k);
    setFloat(prices, column, Infinity);
    const row = getInt(columnRow, column);
    if (row != NONE) part(row, column);
  }
  return pairs;
}

/**
 * Whether flat columns offer as much as most others do, after column reduction: zeros among costs above zero. Then live
 * rows want them, and pairs that were put aside would nearly all have to come apart.
 */
function areWanted(flatCount: i32): bool {
  let offer: f64 = -Infinity;
  for (let k: i32 = 0; k < flatCount; k++) offer = max<f64>(offer, getFloat(prices, getInt(flatColumns, k)));
  let above: i32 = 0;
  for (let j: i32 = 0; j < columns; j++) if (getFloat(prices, j) > offer) above++;
  return above * 2 < columns - flatCount;
}

/** Lists the columns of one value only; returns how many. */
function findFlatColumns(): i32 {
  // No row beats row 0 in a flat column: few others share that. Rows outside, so that memory is read in order.
  let count: i32 = 0;
  for (let j: i32 = 0; j < columns; j++) if (getInt(bestRow, j) == 0) setInt(flatColumns, count++, j);
  for (let i: i32 = 1; i < rows && count > 0; i++) {
    let kept: i32 = 0;
    for (let k: i32 = 0; k < count; k++) {
      const j = getInt(flatColumns, k);
      if (costAt(i, j) == costAt(0, j)) setInt(flatColumns, kept++, j);
    }
    count = kept;
  }
  return count;
}

/**
 * Brings the `pairs` back once the rest is solved, at the lowest price there is, and matches them to each other unless
 * some row of the rest prefers a column that was aside. Returns how many rows are free again, listed in freeRows.
 */
export function bringBack(pairs: i32): i32 {
  let lowest: f64 = Infinity;
  for (let j: i32 = 0; j < columns; j++) lowest = min<f64>(lowest, getFloat(prices, j));
  for (let k: i32 = 0; k < pairs; k++) setFloat(prices, getInt(flatColumns, k), lowest);
  const column = getInt(flatColumns, 0);
  let free: i32 = 0;
  for (let i: i32 = 0; i < rows; i++) {
    const own = getInt(rowColumn, i);
    if (own == NONE || reducedAt(i, own) <= reducedAt(i, column)) continue;
    part(i, own);
    setInt(freeRows, free++, i);
  }
  for (let i: i32 = 0, k: i32 = 0; k < pairs; i++) {
    if (getInt(flatRows, i) != ASIDE) continue;
    setInt(flatRows, i, FLAT);
    if (free == 0) match(i, getInt(flatColumns, k));
    else setInt(freeRows, free + k, i);
    k++;
  }
  return free == 0 ? 0 : free + pairs;
}
