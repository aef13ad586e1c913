// A binary heap of columns by distance, the nearest on top (place 1), with the place of every column known.

import { distances, getFloat, getInt, heap, heapPosition, setInt } from "./assign-state";

export let heapSize: i32 = 0;

export function resetHeap(): void {
  heapSize = 0;
}

/** Adds a column whose distance is set. */
export function pushColumn(column: i32): void {
  heapSize++;
  rise(heapSize, column);
}

/** Restores the order after a column in the heap came nearer. */
export function riseColumn(column: i32): void {
  rise(getInt(heapPosition, column), column);
}

/** Takes the nearest column out. */
export function popNearest(): i32 {
  const nearest = getInt(heap, 1);
  const last = getInt(heap, heapSize);
  heapSize--;
  if (heapSize > 0) sink(last);
  return nearest;
}

function place(at: i32, column: i32): void {
  setInt(heap, at, column);
  setInt(heapPosition, column, at);
}

function rise(from: i32, column: i32): void {
  const d = getFloat(distances, column);
  let at = from;
  while (at > 1) {
    const above = getInt(heap, at >> 1);
    if (getFloat(distances, above) <= d) break;
    place(at, above);
    at >>= 1;
  }
  place(at, column);
}

/** Puts `column` in at the top. */
function sink(column: i32): void {
  const d = getFloat(distances, column);
  let at: i32 = 1;
  while (true) {
    let below = at << 1;
    if (below > heapSize) break;
    let nearer = getInt(heap, below);
    if (below < heapSize) {
      const right = getInt(heap, below + 1);
      if (getFloat(distances, right) < getFloat(distances, nearer)) {
        below++;
        nearer = right;
      }
    }
    if (getFloat(distances, nearer) >= d) break;
    place(at, nearer);
    at = below;
  }
  place(at, column);
}
