// Products of packed panels in f64: C ± AᵀB tile by tile, for Grams, Cholesky factors and triangular solves alike.
//
// Order of additions, part of the contract: for each element of C, products of one call are added to zero in ascending row
// (multiply, then add: no fused operation), then the sum is added to C, or subtracted from it, once.

/** Rows that are packed at a time: one panel of them, 8 KiB, stays in the first-level cache. */
export const ROWS: i32 = 256;
/** Columns of a panel, and both sides of a tile. */
export const PANEL: i32 = 4;
/** Columns of A at a time: 256 KiB packed, which stay in the second-level cache. */
const BLOCK: i32 = 128;
/** Bytes of a tile, which lies before the packed panels. */
export const TILE_BYTES: usize = 128;

/** Bytes of panels of `columns` columns. */
export function panelsBytes(columns: i32): usize {
  return (<usize>((columns + PANEL - 1) & -PANEL) * <usize>ROWS) << 3;
}

/** How the products reach C. */
export const ADD: i32 = 0;
export const SUBTRACT: i32 = 1;

/**
 * C[i, j] ± Σ_r A[r, i]·B[r, j] for i < m, j < n over packed panels of `rows` rows. `upper`: only j ≥ i, where A and B are the
 * same panels. `cStep`: bytes between rows of C. `tile`: TILE_BYTES bytes.
 */
export function multiplyPanels(
  c: usize,
  cStep: usize,
  m: i32,
  n: i32,
  rows: i32,
  a: usize,
  b: usize,
  upper: bool,
  sign: i32,
  tile: usize,
): void {
  const panel = (<usize>rows) << 5;
  for (let block = 0; block < m; block += BLOCK) {
    for (let j = upper ? block : 0; j < n; j += PANEL) {
      const bp = b + <usize>(j / PANEL) * panel;
      let end = min(m, block + BLOCK);
      if (upper) end = min(end, j + 1);
      for (let i = block; i < end; i += PANEL) {
        const ap = a + <usize>(i / PANEL) * panel;
        const at = c + <usize>i * cStep + ((<usize>j) << 3);
        const onDiagonal = upper && i == j;
        if (m - i >= PANEL && n - j >= PANEL && !onDiagonal) {
          multiplyTile(rows, ap, bp, at, cStep, sign);
        } else {
          memory.fill(tile, 0, TILE_BYTES);
          multiplyTile(rows, ap, bp, tile, PANEL << 3, ADD);
          addTile(tile, at, cStep, min(PANEL, m - i), min(PANEL, n - j), onDiagonal, sign);
        }
      }
    }
  }
}

/** Part of a tile into C; 0 + sum has the bits of the sum, which is never −0. */
function addTile(tile: usize, c: usize, cStep: usize, m: i32, n: i32, upper: bool, sign: i32): void {
  for (let i = 0; i < m; i++) {
    for (let j = upper ? i : 0; j < n; j++) {
      const at = (<usize>j) << 3;
      const sum = load<f64>(tile + at);
      store<f64>(c + at, sign == SUBTRACT ? load<f64>(c + at) - sum : load<f64>(c + at) + sum);
    }
    tile += PANEL << 3;
    c += cStep;
  }
}

/**
 * A 4×4 tile of C ± panel of A · panel of B, rows ≥ 1. Eight accumulators and one row's six loads fill the vector registers of
 * x64, as in assembly/gemm.ts.
 */
function multiplyTile(rows: i32, ap: usize, bp: usize, c: usize, cStep: usize, sign: i32): void {
  if (!ASC_FEATURE_SIMD) {
    for (let i = 0; i < PANEL; i += 2) {
      multiplyPart(rows, ap + ((<usize>i) << 3), bp, c, cStep, sign);
      c += cStep * 2;
    }
    return;
  } else {
    let c00 = f64x2.splat(0);
    let c01 = f64x2.splat(0);
    let c10 = f64x2.splat(0);
    let c11 = f64x2.splat(0);
    let c20 = f64x2.splat(0);
    let c21 = f64x2.splat(0);
    let c30 = f64x2.splat(0);
    let c31 = f64x2.splat(0);
    const end = bp + ((<usize>rows) << 5);
    while (true) {
      const b0 = v128.load(bp);
      const b1 = v128.load(bp, 16);
      let x = v128.load64_splat(ap);
      c00 = f64x2.add(c00, f64x2.mul(x, b0));
      c01 = f64x2.add(c01, f64x2.mul(x, b1));
      x = v128.load64_splat(ap, 8);
      c10 = f64x2.add(c10, f64x2.mul(x, b0));
      c11 = f64x2.add(c11, f64x2.mul(x, b1));
      x = v128.load64_splat(ap, 16);
      c20 = f64x2.add(c20, f64x2.mul(x, b0));
      c21 = f64x2.add(c21, f64x2.mul(x, b1));
      x = v128.load64_splat(ap, 24);
      c30 = f64x2.add(c30, f64x2.mul(x, b0));
      c31 = f64x2.add(c31, f64x2.mul(x, b1));
      ap += 32;
      bp += 32;
      if (bp == end) break;
    }
    if (sign == SUBTRACT) {
      subtractRow(c, c00, c01);
      subtractRow(c + cStep, c10, c11);
      subtractRow(c + cStep * 2, c20, c21);
      subtractRow(c + cStep * 3, c30, c31);
    } else {
      addRow(c, c00, c01);
      addRow(c + cStep, c10, c11);
      addRow(c + cStep * 2, c20, c21);
      addRow(c + cStep * 3, c30, c31);
    }
  }
}

function addRow(c: usize, left: v128, right: v128): void {
  v128.store(c, f64x2.add(v128.load(c), left));
  v128.store(c, f64x2.add(v128.load(c, 16), right), 16);
}

function subtractRow(c: usize, left: v128, right: v128): void {
  v128.store(c, f64x2.sub(v128.load(c), left));
  v128.store(c, f64x2.sub(v128.load(c, 16), right), 16);
}

/** The scalar build's 2×4 part of a tile: same additions for each element. */
function multiplyPart(rows: i32, ap: usize, bp: usize, c: usize, cStep: usize, sign: i32): void {
  let c00: f64 = 0;
  let c01: f64 = 0;
  let c02: f64 = 0;
  let c03: f64 = 0;
  let c10: f64 = 0;
  let c11: f64 = 0;
  let c12: f64 = 0;
  let c13: f64 = 0;
  const end = bp + ((<usize>rows) << 5);
  while (true) {
    const b0 = load<f64>(bp);
    const b1 = load<f64>(bp, 8);
    const b2 = load<f64>(bp, 16);
    const b3 = load<f64>(bp, 24);
    let x = load<f64>(ap);
    c00 += x * b0;
    c01 += x * b1;
    c02 += x * b2;
    c03 += x * b3;
    x = load<f64>(ap, 8);
    c10 += x * b0;
    c11 += x * b1;
    c12 += x * b2;
    c13 += x * b3;
    ap += 32;
    bp += 32;
    if (bp == end) break;
  }
  four(c, c00, c01, c02, c03, sign);
  four(c + cStep, c10, c11, c12, c13, sign);
}

function four(c: usize, x0: f64, x1: f64, x2: f64, x3: f64, sign: i32): void {
  if (sign == SUBTRACT) {
    store<f64>(c, load<f64>(c) - x0);
    store<f64>(c, load<f64>(c, 8) - x1, 8);
    store<f64>(c, load<f64>(c, 16) - x2, 16);
    store<f64>(c, load<f64>(c, 24) - x3, 24);
  } else {
    store<f64>(c, load<f64>(c) + x0);
    store<f64>(c, load<f64>(c, 8) + x1, 8);
    store<f64>(c, load<f64>(c, 16) + x2, 16);
    store<f64>(c, load<f64>(c, 24) + x3, 24);
  }
}

/** Packs columns [0, columns) of `rows` rows into panels, as f64; the last panel is filled up with zeros. `step`: bytes between rows. */
export function packColumns<T>(dst: usize, src: usize, step: usize, rows: i32, columns: i32): void {
  let j = 0;
  for (; j + PANEL <= columns; j += PANEL) {
    let from = src;
    for (let r = 0; r < rows; r++) {
      packFour<T>(dst, from);
      from += step;
      dst += PANEL << 3;
    }
    src += PANEL * sizeof<T>();
  }
  if (j == columns) return;
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < PANEL; k++) {
      const at = (<usize>k) << 3;
      store<f64>(dst + at, j + k < columns ? <f64>load<T>(src + <usize>k * sizeof<T>()) : 0);
    }
    src += step;
    dst += PANEL << 3;
  }
}

function packFour<T>(dst: usize, src: usize): void {
  if (ASC_FEATURE_SIMD) {
    if (sizeof<T>() == 8) {
      v128.store(dst, v128.load(src));
      v128.store(dst, v128.load(src, 16), 16);
    } else {
      v128.store(dst, f64x2.promote_low_f32x4(v128.load64_zero(src)));
      v128.store(dst, f64x2.promote_low_f32x4(v128.load64_zero(src, 8)), 16);
    }
  } else {
    store<f64>(dst, <f64>load<T>(src));
    store<f64>(dst, <f64>load<T>(src + sizeof<T>()), 8);
    store<f64>(dst, <f64>load<T>(src + 2 * sizeof<T>()), 16);
    store<f64>(dst, <f64>load<T>(src + 3 * sizeof<T>()), 24);
  }
}

/** Packs `count` rows of f64, `length` columns each, as if they were columns of `length` rows: the transpose. */
export function packRows(dst: usize, src: usize, step: usize, count: i32, length: i32): void {
  for (let i = 0; i < count; i += PANEL) {
    for (let k = 0; k < PANEL; k++) {
      const inside = i + k < count;
      let to = dst + ((<usize>k) << 3);
      for (let r = 0; r < length; r++) {
        store<f64>(to, inside ? load<f64>(src + ((<usize>r) << 3)) : 0);
        to += PANEL << 3;
      }
      src += step;
    }
    dst += (<usize>length) << 5;
  }
}
