// Shortest augmenting paths over dense rows: Dijkstra without a heap, the next column found by the same sweep that
// shortens the distances. A scanned column is taken out by price and distance +infinity, so no mask is needed.

import {
  findNearest,
  freeColumn,
  freeDistance,
  minimum,
  minimumColumn,
  setFree,
  shortenDistances,
  startDistances,
} from "./assign-scan";
import {
  columnRow,
  columns,
  distances,
  flatRows,
  fromRow,
  getFloat,
  getInt,
  NONE,
  openPrices,
  prices,
  reducedAt,
  rowColumn,
  scanned,
  scannedDistance,
  setFloat,
  setInt,
} from "./assign-state";

/** Matches the free row `root` along a shortest path, and raises prices so that every matched pair stays tight. */
export function augmentDense(root: i32): void {
  startDistances(root);
  findFree();
  let count: i32 = 0;
  let level = minimum;
  let flatSeen = getInt(flatRows, root) != 0;
  // Stopping at the first free column no farther than the level, not at the level's lowest column, is what keeps
  // matrices full of ties fast.
  while (freeDistance > level) {
    const column = minimumColumn;
    const row = getInt(columnRow, column);
    setInt(scanned, count, column);
    setFloat(scannedDistance, count, level);
    count++;
    setFloat(distances, column, Infinity);
    setFloat(openPrices, column, Infinity);
    const flat = getInt(flatRows, row) != 0;
    // All flat rows see the same order of columns, and the first one scanned is the nearest: the others shorten nothing.
    if (flat && flatSeen) findNearest();
    else shortenDistances(row, reducedAt(row, column) - level);
    flatSeen = flatSeen || flat;
    if (minimum > level) level = minimum;
  }
  for (let k: i32 = 0; k < count; k++) {
    const column = getInt(scanned, k);
    setFloat(prices, column, getFloat(prices, column) + (level - getFloat(scannedDistance, k)));
  }
  turnPath(root, freeColumn);
}

/** The nearest free column after the first sweep. */
function findFree(): void {
  let distance: f64 = Infinity;
  let column = NONE;
  for (let j: i32 = 0; j < columns; j++) {
    if (getInt(columnRow, j) != NONE) continue;
    const d = getFloat(distances, j);
    if (d < distance) {
      distance = d;
      column = j;
    }
  }
  setFree(distance, column);
}

/** Follows the path back from its last column, giving every row on it its new column. */
export function turnPath(root: i32, last: i32): void {
  let column = last;
  let row: i32;
  do {
    row = getInt(fromRow, column);
    setInt(columnRow, column, row);
    const previous = getInt(rowColumn, row);
    setInt(rowColumn, row, column);
    column = previous;
  } while (row != root);
}
