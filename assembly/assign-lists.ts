// Candidate lists. Prices only rise, in row reduction and along paths, so a list of all columns with h ≤ threshold at
// the time of building stays complete: every column outside it has h ≥ threshold for good. A row is swept once, when it
// is first touched, and again only when its threshold has become too low to decide.

import { findTwoMinima, minimum, minimumColumn, secondMinimum, setMinima } from "./assign-scan";
import {
  benefitAt,
  benefitOf,
  columnRow,
  columns,
  getFloat,
  getInt,
  Lanes,
  LIST_CAPACITY,
  listBenefits,
  listColumns,
  listLength,
  listThreshold,
  NONE,
  prices,
  rowAddress,
  rows,
  sample,
  setFloat,
  setInt,
  signFlip,
  wide,
} from "./assign-state";

/** Entries wanted in a list: fewer means more rebuilding, more means longer scans. */
const WANTED: i32 = 8;

/** Entries of a row looked at to guess the threshold: one of so many, but no fewer than this. And the most of them kept. */
const SAMPLED_SHARE: i32 = 8;
const SAMPLES: i32 = 128;
const KEPT: i32 = 16;

/** A list by the threshold of the one before may have this many entries. */
const LEAST_GUESSED: i32 = 4;
const MOST_GUESSED: i32 = 24;

/** Lists built by sampling, beyond those built by the threshold before, until that is given up. */
const MISSES_ALLOWED: i32 = 16;

let built: i32 = 0;
let cut: i32 = 0;
let lastThreshold: f64 = -Infinity;
/** Guesses that failed, less those that did not. */
let missed: i32 = 0;

export function resetLists(): void {
  for (let i: i32 = 0; i < rows; i++) setInt(listLength, i, NONE);
  built = 0;
  cut = 0;
  missed = 0;
  lastThreshold = -Infinity;
}

/** Whether so many lists had to be cut at a tie that dense rows will be faster. */
export function listsAreTied(): bool {
  return cut * 4 > built;
}

/** Marks a row's list as of no more use: the next touch builds it again, at the prices of then. */
export function dropList(row: i32): void {
  setInt(listLength, row, NONE);
}

export function columnsOf(row: i32): usize {
  return listColumns + ((<usize>row * LIST_CAPACITY) << 2);
}

export function benefitsOf(row: i32): usize {
  return listBenefits + ((<usize>row * LIST_CAPACITY) << 3);
}

/** Length of the row's list, built if need be. */
export function ensureList(row: i32): i32 {
  if (getInt(listLength, row) == NONE) buildList(row);
  return getInt(listLength, row);
}

/** The two smallest h of a row and the column of the smallest, from its list. */
export function findListMinima(row: i32): void {
  if (searchList(row, ensureList(row))) return;
  buildList(row);
  searchList(row, getInt(listLength, row));
}

/** False if the threshold has become too low to tell the second minimum. */
function searchList(row: i32, length: i32): bool {
  const candidates = columnsOf(row);
  const benefits = benefitsOf(row);
  let first: f64 = Infinity;
  let second: f64 = Infinity;
  let column = NONE;
  for (let t: i32 = 0; t < length; t++) {
    const j = getInt(candidates, t);
    const h = getFloat(prices, j) - getFloat(benefits, t);
    if (h < second) {
      if (h < first) {
        second = first;
        first = h;
        column = j;
      } else second = h;
    }
  }
  setMinima(first, second, column);
  return second <= getFloat(listThreshold, row);
}

/** Another column of the list as good: the first free one, else the first. */
export function findListTie(row: i32, level: f64, column: i32): i32 {
  const candidates = columnsOf(row);
  const benefits = benefitsOf(row);
  const length = getInt(listLength, row);
  let other = NONE;
  for (let t: i32 = 0; t < length; t++) {
    const j = getInt(candidates, t);
    if (j == column || getFloat(prices, j) - getFloat(benefits, t) > level) continue;
    if (getInt(columnRow, j) == NONE) return j;
    if (other == NONE) other = j;
  }
  return other;
}

function buildList(row: i32): void {
  built++;
  if (missed < MISSES_ALLOWED && guessList(row)) return;
  const kept = sampleRow(row);
  let threshold = getFloat(sample, kept - 1);
  let length = collect(row, threshold);
  if (length > LIST_CAPACITY) {
    threshold = getFloat(sample, (kept >> 1) - 1);
    length = collect(row, threshold);
  }
  if (length < 2 || length > LIST_CAPACITY) {
    findTwoMinima(row);
    threshold = secondMinimum;
    if (length < 2) threshold += secondMinimum - minimum;
    length = collect(row, threshold);
    if (length > LIST_CAPACITY && threshold > secondMinimum) {
      threshold = secondMinimum;
      length = collect(row, threshold);
    }
    if (length > LIST_CAPACITY) {
      collectTies(row);
      length = LIST_CAPACITY;
    }
  }
  keepList(row, length, threshold);
}

/** Rows are often alike: the threshold of the list before saves sampling this row. False if the list came out unfit. */
function guessList(row: i32): bool {
  const length = collect(row, lastThreshold);
  const fits = length >= LEAST_GUESSED && length <= MOST_GUESSED;
  missed += fits ? -1 : 1;
  if (fits) keepList(row, length, lastThreshold);
  return fits;
}

function keepList(row: i32, length: i32, threshold: f64): void {
  setInt(listLength, row, length);
  setFloat(listThreshold, row, threshold);
  lastThreshold = threshold;
}

/** Sorts the smallest of evenly spaced samples of h into `sample`: a guess at a threshold. Returns how many, at least 2. */
function sampleRow(row: i32): i32 {
  const count = min(columns, max(SAMPLES, columns / SAMPLED_SHARE));
  const step = columns / count;
  const wanted = max(2, min(KEPT, (WANTED * count + columns - 1) / columns));
  const offset = (row * 7) % step;
  const start = rowAddress(row);
  let kept: i32 = 0;
  for (let s: i32 = 0; s < count; s++) {
    const j = s * step + offset;
    const h = getFloat(prices, j) - (wide ? benefitOf<f64>(start, j) : benefitOf<f32>(start, j));
    if (kept == wanted && h >= getFloat(sample, wanted - 1)) continue;
    let t = kept < wanted ? kept++ : wanted - 1;
    for (; t > 0 && getFloat(sample, t - 1) > h; t--) setFloat(sample, t, getFloat(sample, t - 1));
    setFloat(sample, t, h);
  }
  return kept;
}

/** Lists every column with h ≤ threshold, ascending. Returns more than LIST_CAPACITY if there are more. */
function collect(row: i32, threshold: f64): i32 {
  return wide ? collectOf<f64>(row, threshold) : collectOf<f32>(row, threshold);
}

function collectOf<T extends number>(row: i32, threshold: f64): i32 {
  const start = rowAddress(row);
  const candidates = columnsOf(row);
  const benefits = benefitsOf(row);
  let length: i32 = 0;
  let j: i32 = 0;
  if (ASC_FEATURE_SIMD) {
    const flip = i64x2.splat(signFlip);
    const bound = f64x2.splat(threshold);
    const end = columns - 7;
    let c = start;
    let p = prices;
    for (; j < end; j += 8) {
      const h0 = f64x2.le(f64x2.sub(v128.load(p), Lanes.benefits<T>(c, flip)), bound);
      const h1 = f64x2.le(f64x2.sub(v128.load(p, 16), Lanes.benefits<T>(c + 2 * sizeof<T>(), flip)), bound);
      const h2 = f64x2.le(f64x2.sub(v128.load(p, 32), Lanes.benefits<T>(c + 4 * sizeof<T>(), flip)), bound);
      const h3 = f64x2.le(f64x2.sub(v128.load(p, 48), Lanes.benefits<T>(c + 6 * sizeof<T>(), flip)), bound);
      const low = v128.shuffle<i32>(h0, h1, 0, 2, 4, 6);
      const high = v128.shuffle<i32>(h2, h3, 0, 2, 4, 6);
      if (v128.any_true(v128.or(low, high))) {
        let mask = i32x4.bitmask(low) | (i32x4.bitmask(high) << 4);
        while (mask) {
          const column = j + ctz(mask);
          mask &= mask - 1;
          if (length == LIST_CAPACITY) return LIST_CAPACITY + 1;
          setInt(candidates, length, column);
          setFloat(benefits, length, benefitOf<T>(start, column));
          length++;
        }
      }
      c += 8 * sizeof<T>();
      p += 64;
    }
  }
  for (; j < columns; j++) {
    const benefit = benefitOf<T>(start, j);
    if (getFloat(prices, j) - benefit > threshold) continue;
    if (length == LIST_CAPACITY) return LIST_CAPACITY + 1;
    setInt(candidates, length, j);
    setFloat(benefits, length, benefit);
    length++;
  }
  return length;
}

/**
 * More columns tie at the second minimum than a list can hold: the best column and as many of the others as fit, from
 * another place in each row so that rows with the same ties do not all compete for the same columns. With the second
 * minimum as threshold the list keeps its promise, since no column left out is below it.
 */
function collectTies(row: i32): void {
  cut++;
  const candidates = columnsOf(row);
  const benefits = benefitsOf(row);
  const level = secondMinimum;
  setInt(candidates, 0, minimumColumn);
  setFloat(benefits, 0, benefitAt(row, minimumColumn));
  let length: i32 = 1;
  let j = <i32>((<u32>row * 2654435761) % <u32>columns);
  while (length < LIST_CAPACITY) {
    const benefit = benefitAt(row, j);
    if (j != minimumColumn && getFloat(prices, j) - benefit <= level) {
      setInt(candidates, length, j);
      setFloat(benefits, length, benefit);
      length++;
    }
    if (++j == columns) j = 0;
  }
}
