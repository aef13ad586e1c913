// What a row would bid in the auction: its two smallest h = price − benefit in f32, prices from the auction's own area.
// f32 halves the memory a sweep reads, which is what a bid costs; exactness is the business of the stages after it.

import { auctionPrices, benefitOf, columns, getSingle, Lanes, rowAddress, wide } from "./assign-state";

/** Columns between two looks at the minimum so far: its place is searched only inside one block. */
const BLOCK: i32 = 128;

// Results of the last sweep.
export let bidLevel: f32 = 0;
export let bidSecond: f32 = 0;
export let bidColumn: i32 = 0;

/** The two smallest h of a row, and the lowest column of the smallest. */
export function findBid(row: i32): void {
  if (wide) bidOf<f64>(row);
  else bidOf<f32>(row);
}

function bidOf<T extends number>(row: i32): void {
  const start = rowAddress(row);
  let first: f32 = Infinity;
  let second: f32 = Infinity;
  let block: i32 = 0;
  let j: i32 = 0;
  if (ASC_FEATURE_SIMD) {
    const flip = Lanes.flip<T>();
    const whole = columns & ~7;
    let a0 = f32x4.splat(Infinity);
    let a1 = a0;
    let b0 = a0;
    let b1 = a0;
    let c = start;
    let p = auctionPrices;
    while (j < whole) {
      const begin = j;
      const end = min(j + BLOCK, whole);
      for (; j < end; j += 8) {
        const h0 = f32x4.sub(v128.load(p), Lanes.singles<T>(c, flip));
        const h1 = f32x4.sub(v128.load(p, 16), Lanes.singles<T>(c + 4 * sizeof<T>(), flip));
        b0 = f32x4.pmin(b0, f32x4.pmax(a0, h0));
        a0 = f32x4.pmin(a0, h0);
        b1 = f32x4.pmin(b1, f32x4.pmax(a1, h1));
        a1 = f32x4.pmin(a1, h1);
        c += 8 * sizeof<T>();
        p += 32;
      }
      const lowest = Lanes.lowerSingle(f32x4.pmin(a0, a1));
      if (lowest < first) {
        first = lowest;
        block = begin;
      }
    }
    // The second of all: the larger of two best lanes, or a lane's own second; folded from eight lanes to one.
    let low = f32x4.pmin(a0, a1);
    let next = f32x4.pmin(f32x4.pmax(a0, a1), f32x4.pmin(b0, b1));
    let other = v128.shuffle<i32>(low, low, 2, 3, 0, 1);
    next = f32x4.pmin(f32x4.pmax(low, other), f32x4.pmin(next, v128.shuffle<i32>(next, next, 2, 3, 0, 1)));
    low = f32x4.pmin(low, other);
    other = v128.shuffle<i32>(low, low, 1, 0, 3, 2);
    next = f32x4.pmin(f32x4.pmax(low, other), f32x4.pmin(next, v128.shuffle<i32>(next, next, 1, 0, 3, 2)));
    second = f32x4.extract_lane(next, 0);
  }
  for (; j < columns; j++) {
    const h = getSingle(auctionPrices, j) - <f32>benefitOf<T>(start, j);
    if (h < second) {
      if (h < first) {
        second = first;
        first = h;
        block = j;
      } else second = h;
    }
  }
  bidLevel = first;
  bidSecond = second;
  bidColumn = placeOf<T>(start, block, first);
}

/** The first column from `from` on whose h is `level`; there is one. */
function placeOf<T extends number>(start: usize, from: i32, level: f32): i32 {
  let j = from;
  if (ASC_FEATURE_SIMD) {
    const flip = Lanes.flip<T>();
    const here = f32x4.splat(level);
    for (; j + 8 <= columns; j += 8) {
      const p = auctionPrices + ((<usize>j) << 2);
      const c = start + <usize>j * sizeof<T>();
      const e0 = f32x4.eq(f32x4.sub(v128.load(p), Lanes.singles<T>(c, flip)), here);
      const e1 = f32x4.eq(f32x4.sub(v128.load(p, 16), Lanes.singles<T>(c + 4 * sizeof<T>(), flip)), here);
      if (v128.any_true(v128.or(e0, e1))) return j + ctz(i32x4.bitmask(e0) | (i32x4.bitmask(e1) << 4));
    }
  }
  while (getSingle(auctionPrices, j) - <f32>benefitOf<T>(start, j) != level) j++;
  return j;
}
