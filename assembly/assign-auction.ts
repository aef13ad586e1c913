// The ε-scaling auction (D. P. Bertsekas, "The auction algorithm", Annals of Operations Research 14, 1988): a free row
// takes its best column and raises its price by what it would lose on the second best, plus ε; the row it displaces
// bids next. ε falls from phase to phase. What counts here is the prices: they are near optimal within a few bids per
// row even where all rows want the same columns (costs of low rank), which is where shortest paths grow long. So it
// works in f32 and within a budget, and exact stages go on from its prices.

import { matchBest, partAll } from "./assign-best";
import { bidColumn, bidLevel, bidSecond, findBid } from "./assign-bids";
import {
  ASIDE,
  auctionPrices,
  benefitAt,
  columnRow,
  columns,
  costAt,
  flatRows,
  freeRows,
  getFloat,
  getInt,
  getSingle,
  NONE,
  prices,
  rows,
  setFloat,
  setInt,
  setSingle,
  wide,
} from "./assign-state";

// ε: first and last as a share of the spread of the costs (the last per row), and the factor between phases. Measured.
const FIRST_EPSILON: f64 = 0.25;
const LAST_EPSILON: f64 = 0.1;
const EPSILON_FACTOR: f64 = 8;

/** Bids per row, at most: low rank needs about 25, gradients of networks about 12. */
const BIDS: i32 = 40;

/** Costs sampled per row for their spread. */
const SAMPLED: i32 = 16;

/** Standard deviations above the mean at which a benefit stands out: √3 is the most of uniform ones. */
const TAIL: f64 = 2.2;

/** Prices and costs up to here leave room in f32 for their sums. */
const LIMIT: f64 = 1e30;

let left: i32 = 0;

// The sampled costs, as benefits.
let mean: f64 = 0;
let spread: f64 = 0;

export function sampleCosts(): void {
  const step = max(1, columns / SAMPLED);
  let sum: f64 = 0;
  let squares: f64 = 0;
  for (let i: i32 = 0; i < rows; i++) {
    for (let s: i32 = 0; s < SAMPLED; s++) {
      const benefit = benefitAt(i, <i32>((<i64>i * 7 + s * step) % columns));
      sum += benefit;
      squares += benefit * benefit;
    }
  }
  const count = <f64>rows * SAMPLED;
  mean = sum / count;
  spread = Math.sqrt(max<f64>(0, squares / count - mean * mean));
}

/** Whether `benefit` stands out among all: the best of many normal ones does, the best of uniform ones does not. */
export function standsOut(benefit: f64): bool {
  return benefit - mean > TAIL * spread;
}

/**
 * Replaces prices and matching by those of an auction over the rows and columns that are not put aside, every matched
 * pair tight. Returns how many rows are free, listed in freeRows. Needs the sample.
 */
export function runAuction(): i32 {
  // Outside these limits f32 overflows or loses all: the prices stay what they were.
  if (spread > 1 / LIMIT && spread < LIMIT && (!wide || allWithinLimit()) && scaleEpsilon()) {
    for (let j: i32 = 0; j < columns; j++) setFloat(prices, j, <f64>getSingle(auctionPrices, j));
  }
  return matchBest(rows);
}

function allWithinLimit(): bool {
  for (let i: i32 = 0; i < rows; i++) {
    for (let j: i32 = 0; j < columns; j++) if (abs<f64>(costAt(i, j)) > LIMIT) return false;
  }
  return true;
}

/** False if a price left the limits. */
function scaleEpsilon(): bool {
  // From zero, not from column maxima: those are high where a row beats all others, and only rising is cheap.
  for (let j: i32 = 0; j < columns; j++) {
    setSingle(auctionPrices, j, getFloat(prices, j) == Infinity ? <f32>Infinity : 0);
  }
  const last = (spread * LAST_EPSILON) / <f64>rows;
  left = BIDS * rows;
  for (let epsilon = spread * FIRST_EPSILON; epsilon >= last && left > 0; epsilon /= EPSILON_FACTOR) {
    if (!runPhase(<f32>epsilon)) return false;
  }
  return true;
}

/** Every row bids until all have a column, or the budget is spent. */
function runPhase(epsilon: f32): bool {
  partAll();
  let count: i32 = 0;
  for (let i = rows - 1; i >= 0; i--) if (getInt(flatRows, i) != ASIDE) setInt(freeRows, count++, i);
  while (count > 0 && left > 0) {
    let row = getInt(freeRows, --count);
    while (row != NONE && left > 0) {
      left--;
      findBid(row);
      const price = getSingle(auctionPrices, bidColumn) + (bidSecond - bidLevel + epsilon);
      if (!(price < <f32>LIMIT)) return false;
      setSingle(auctionPrices, bidColumn, price);
      const displaced = getInt(columnRow, bidColumn);
      setInt(columnRow, bidColumn, row);
      row = displaced;
    }
  }
  return true;
}
