// The problem the assignment solver is working on, and its work areas: module variables, because one instance serves
// one caller at a time. Inside the solver everything is in min form, h[i, j] = price[j] − benefit[i, j], where a benefit
// is a cost when maximising and a negated cost when minimising. Every stage has its own scratch: sharing an area
// between two stages that turn out to overlap gives a wrong optimum, rarely, and only at some sizes.

export const NONE: i32 = -1;

export const FLAT: i32 = 1;
export const ASIDE: i32 = 2;

/** Entries one candidate list can hold. */
export const LIST_CAPACITY: i32 = 128;

// The cost matrix.
export let rows: i32 = 0;
export let columns: i32 = 0;
export let wide: bool = false;
/** Bytes between rows. */
export let rowBytes: usize = 0;
/** +1 when maximising, −1 when minimising. */
export let sign: f64 = 1;
/** The sign bit to flip in a cost to get a benefit: 0 when maximising. */
export let signFlip: i64 = 0;
let costs: usize = 0;

// The matching and the prices (f64[columns]).
export let rowColumn: usize = 0;
export let columnRow: usize = 0;
export let prices: usize = 0;
/** Rows still without a column, i32[rows]. */
export let freeRows: usize = 0;
/** Per row: 0, FLAT for a row of one value only, or ASIDE for a flat row put aside, i32[rows]. */
export let flatRows: usize = 0;
/** Columns of one value only, ascending, i32[columns]. */
export let flatColumns: usize = 0;

// Column reduction: running maximum and its row, per column.
export let best: usize = 0;
export let bestRow: usize = 0;

// Shortest paths, dense and lazy: distance f64 and the row before, per column; the scanned columns in order.
export let distances: usize = 0;
export let fromRow: usize = 0;
export let scanned: usize = 0;
export let scannedDistance: usize = 0;
/** Dense only: price while the column is open, +infinity once it is scanned. */
export let openPrices: usize = 0;

/** Auction only: prices in f32. */
export let auctionPrices: usize = 0;

/** Prices of an earlier matrix, f64[columns]. */
export let earlierPrices: usize = 0;

// Sorting only: rows and columns that are not put aside, and their keys by number.
export let rankRows: usize = 0;
export let rankColumns: usize = 0;
export let rankX: usize = 0;
export let rankY: usize = 0;

// Lazy only: heap of columns, heap position, state per column; touched columns.
export let heap: usize = 0;
export let heapPosition: usize = 0;
export let columnState: usize = 0;
export let touched: usize = 0;
/** Rows scanned on this path, with their offsets and lower bounds. */
export let pathRows: usize = 0;
export let pathOffsets: usize = 0;
export let pathBounds: usize = 0;

// Candidate lists: length (NONE: not built) and threshold per row, then LIST_CAPACITY columns and benefits.
export let listLength: usize = 0;
export let listThreshold: usize = 0;
export let listColumns: usize = 0;
export let listBenefits: usize = 0;
/** The smallest values of a sample, sorted. */
export let sample: usize = 0;

let top: usize = 0;

function area(bytes: usize): usize {
  const start = top;
  top += (bytes + 15) & ~(<usize>15);
  return start;
}

/** Places the work areas from `base` on, aligned as it is; returns the end. With base 0 this is the size. */
export function placeWork(base: usize, n: i32, m: i32, lists: bool): usize {
  top = base;
  const intRows = (<usize>n) << 2;
  const intColumns = (<usize>m) << 2;
  const floatColumns = (<usize>m) << 3;
  columnRow = area(intColumns);
  freeRows = area(intRows);
  flatRows = area(intRows);
  flatColumns = area(intColumns);
  best = area(floatColumns);
  bestRow = area(intColumns);
  distances = area(floatColumns);
  fromRow = area(intColumns);
  scanned = area(intColumns);
  scannedDistance = area(floatColumns);
  openPrices = area(floatColumns);
  auctionPrices = area(intColumns);
  earlierPrices = area(floatColumns);
  rankRows = area(intRows);
  rankColumns = area(intColumns);
  rankX = area((<usize>n) << 3);
  rankY = area(floatColumns);
  if (lists) placeLists(<usize>n, <usize>m);
  return top;
}

function placeLists(n: usize, m: usize): void {
  heap = area((m + 1) << 2);
  heapPosition = area(m << 2);
  columnState = area(m << 2);
  touched = area(m << 2);
  pathRows = area((n + 1) << 2);
  pathOffsets = area((n + 1) << 3);
  pathBounds = area((n + 1) << 3);
  listLength = area(n << 2);
  listThreshold = area(n << 3);
  listColumns = area((n * LIST_CAPACITY) << 2);
  listBenefits = area((n * LIST_CAPACITY) << 3);
  sample = area(64 << 3);
}

/** Points the solver at a matrix; `columnPrices` and `assigned` are outputs it works in. */
export function setProblem(
  cost: usize,
  ld: i32,
  n: i32,
  m: i32,
  isF64: bool,
  maximize: bool,
  columnPrices: usize,
  assigned: usize,
): void {
  costs = cost;
  rowBytes = (<usize>ld) << (isF64 ? 3 : 2);
  rows = n;
  columns = m;
  wide = isF64;
  sign = maximize ? 1 : -1;
  signFlip = maximize ? 0 : i64.MIN_VALUE;
  prices = columnPrices;
  rowColumn = assigned;
}

export function getInt(array: usize, index: i32): i32 {
  return load<i32>(array + ((<usize>index) << 2));
}

export function setInt(array: usize, index: i32, value: i32): void {
  store<i32>(array + ((<usize>index) << 2), value);
}

export function getFloat(array: usize, index: i32): f64 {
  return load<f64>(array + ((<usize>index) << 3));
}

export function setFloat(array: usize, index: i32, value: f64): void {
  store<f64>(array + ((<usize>index) << 3), value);
}

export function getSingle(array: usize, index: i32): f32 {
  return load<f32>(array + ((<usize>index) << 2));
}

export function setSingle(array: usize, index: i32, value: f32): void {
  store<f32>(array + ((<usize>index) << 2), value);
}

/** Makes a pair. */
export function match(row: i32, column: i32): void {
  setInt(rowColumn, row, column);
  setInt(columnRow, column, row);
}

/** Parts a pair. */
export function part(row: i32, column: i32): void {
  setInt(rowColumn, row, NONE);
  setInt(columnRow, column, NONE);
}

export function rowAddress(row: i32): usize {
  return costs + <usize>row * rowBytes;
}

/** A cost as it stands in the matrix. */
export function costAt(row: i32, column: i32): f64 {
  const address = rowAddress(row);
  return wide ? getFloat(address, column) : <f64>load<f32>(address + ((<usize>column) << 2));
}

/** What a pair is worth: the cost, negated when minimising. */
export function benefitAt(row: i32, column: i32): f64 {
  return sign * costAt(row, column);
}

/** h[row, column] at the current price. */
export function reducedAt(row: i32, column: i32): f64 {
  return getFloat(prices, column) - benefitAt(row, column);
}

// The sweeps below are generic over the element type T, f32 or f64; both become f64 on load.

export function benefitOf<T extends number>(row: usize, column: i32): f64 {
  return sign * <f64>load<T>(row + <usize>column * sizeof<T>());
}

/** SIMD build only. */
export class Lanes {
  /** Two neighbouring benefits, from the address of the first; `flip` is signFlip in both lanes. */
  @inline
  static benefits<T extends number>(address: usize, flip: v128): v128 {
    if (sizeof<T>() == 8) return v128.xor(v128.load(address), flip);
    return v128.xor(f64x2.promote_low_f32x4(v128.load64_zero(address)), flip);
  }

  /** The smaller of two. */
  @inline
  static lower(pair: v128): f64 {
    return min<f64>(f64x2.extract_lane(pair, 0), f64x2.extract_lane(pair, 1));
  }

  /** The sign bits to flip in a vector of costs. */
  @inline
  static flip<T extends number>(): v128 {
    if (sizeof<T>() == 8) return i64x2.splat(signFlip);
    return i32x4.splat(<i32>(signFlip >> 32));
  }

  /** Four neighbouring benefits, rounded to f32. */
  @inline
  static singles<T extends number>(address: usize, flip: v128): v128 {
    if (sizeof<T>() == 4) return v128.xor(v128.load(address), flip);
    const low = f32x4.demote_f64x2_zero(v128.xor(v128.load(address), flip));
    const high = f32x4.demote_f64x2_zero(v128.xor(v128.load(address, 16), flip));
    return v128.shuffle<i64>(low, high, 0, 2);
  }

  /** The smallest of four. */
  @inline
  static lowerSingle(four: v128): f32 {
    const two = f32x4.pmin(four, v128.shuffle<i32>(four, four, 2, 3, 0, 1));
    return min<f32>(f32x4.extract_lane(two, 0), f32x4.extract_lane(two, 1));
  }
}
