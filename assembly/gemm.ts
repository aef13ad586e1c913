// Cost matrices: C += A·Bᵀ in f32, blocked and packed.
//
// Order of additions, which is part of the contract: for each element of C, k is cut into blocks of KC; within a block
// products are added to zero in ascending k (multiply, then add: no fused operation but in the relaxed build); then
// the block's sum is added to C once. It depends on KC alone: not on rows, columns, MC, NC, tiles, or how rows are split
// over calls.

import { packPanels } from "./pack";

/** Block of k: one panel of 8 packed columns, 8 KiB, stays in the first-level cache. */
const KC: i32 = 256;
/** Block of rows: the packed A block, 128 KiB, stays in the second-level cache. */
const MC: i32 = 128;
/** Block of columns: the packed B block, 2 MiB, bounds the work area. */
const NC: i32 = 2048;

/** Rows and columns of the micro-kernel's tile. */
const MR: i32 = 4;
const NR: i32 = 8;
const TILE_BYTES: usize = 128;

/** Bytes of work area for `cost`: the packed B block, the packed A block, one tile. */
export function costWork(columns: i32, k: i32): usize {
  const kc = <usize>min(k, KC);
  return packedColumnsBytes(columns, kc) + ((<usize>MC * kc) << 2) + TILE_BYTES;
}

function packedColumnsBytes(columns: i32, kc: usize): usize {
  const nc = <usize>((min(columns, NC) + NR - 1) & -NR);
  return (nc * kc) << 2;
}

/**
 * C[i·ldc + j] += Σ_kk A[i·aStride + aOffset(kk)] · (B[j·bStride + bOffset(kk)] − B[j·bStride + bLess(kk)]),
 * i in [rowBegin, rowEnd), j in [0, columns). Offset tables are i32[k], or 0 for "kk itself"; without `bLess` nothing is
 * subtracted, and with it there must be `bOffsets`. `work`: costWork(columns, k) bytes.
 */
export function cost(
  c: usize,
  ldc: i32,
  rowBegin: i32,
  rowEnd: i32,
  columns: i32,
  k: i32,
  a: usize,
  aStride: i32,
  aOffsets: usize,
  b: usize,
  bStride: i32,
  bOffsets: usize,
  bLess: usize,
  work: usize,
): void {
  const cStep = (<usize>ldc) << 2;
  const aStep = (<usize>aStride) << 2;
  const bStep = (<usize>bStride) << 2;
  const packedA = work + packedColumnsBytes(columns, <usize>min(k, KC));
  for (let jc = 0; jc < columns; jc += NC) {
    const nc = min(NC, columns - jc);
    for (let pc = 0; pc < k; pc += KC) {
      const kc = min(KC, k - pc);
      packBlock(nc, kc, pc, b + <usize>jc * bStep, bStep, bOffsets, bLess, NR, work);
      for (let ic = rowBegin; ic < rowEnd; ic += MC) {
        const mc = min(MC, rowEnd - ic);
        packBlock(mc, kc, pc, a + <usize>ic * aStep, aStep, aOffsets, 0, MR, packedA);
        multiplyBlock(mc, nc, kc, packedA, work, c + <usize>ic * cStep + ((<usize>jc) << 2), cStep);
      }
    }
  }
}

/** Packs columns [pc, pc + kc) of `rows` rows. */
function packBlock(
  rows: i32,
  kc: i32,
  pc: i32,
  src: usize,
  stride: usize,
  offsets: usize,
  less: usize,
  width: i32,
  dst: usize,
): void {
  const skip = (<usize>pc) << 2;
  if (offsets == 0) packPanels(rows, kc, src + skip, stride, 0, 0, width, dst);
  else packPanels(rows, kc, src, stride, offsets + skip, less == 0 ? 0 : less + skip, width, dst);
}

/** C block += packed A block · packed B block, tile by tile. */
function multiplyBlock(mc: i32, nc: i32, kc: i32, packedA: usize, packedB: usize, c: usize, cStep: usize): void {
  // The tile lies behind the packed A block, which is sized for MC rows of at most this kc.
  const aPanel = (<usize>(kc * MR)) << 2;
  const bPanel = (<usize>(kc * NR)) << 2;
  const tile = packedA + ((<usize>MC * <usize>kc) << 2);
  for (let j = 0; j < nc; j += NR) {
    let ap = packedA;
    let cp = c + ((<usize>j) << 2);
    for (let i = 0; i < mc; i += MR) {
      if (mc - i >= MR && nc - j >= NR) {
        multiplyTile(kc, ap, packedB, cp, cStep);
      } else {
        // At an edge into a zeroed tile; 0 + sum has the bits of the sum, which is never −0.
        memory.fill(tile, 0, TILE_BYTES);
        multiplyTile(kc, ap, packedB, tile, NR << 2);
        addTile(tile, cp, cStep, min(MR, mc - i), min(NR, nc - j));
      }
      ap += aPanel;
      cp += <usize>MR * cStep;
    }
    packedB += bPanel;
  }
}

/** Adds the upper left corner of a tile to C. */
function addTile(tile: usize, c: usize, cStep: usize, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const at = (<usize>j) << 2;
      store<f32>(c + at, load<f32>(c + at) + load<f32>(tile + at));
    }
    tile += NR << 2;
    c += cStep;
  }
}

/**
 * The micro-kernel: a 4×8 tile of C += packed A panel · packed B panel, kc ≥ 1.
 *
 * Eight accumulators and the six loads of one k fill the fifteen free vector registers of x64 exactly. One k per
 * iteration, ended by a pointer comparison: unrolled further in one basic block, V8 hoists the loads and spills.
 */
function multiplyTile(kc: i32, ap: usize, bp: usize, c: usize, cStep: usize): void {
  if (!ASC_FEATURE_SIMD) {
    for (let i = 0; i < MR; i += 2) {
      multiplyPart(kc, ap + ((<usize>i) << 2), bp, c, cStep);
      multiplyPart(kc, ap + ((<usize>i) << 2), bp + 16, c + 16, cStep);
      c += cStep * 2;
    }
    return;
  } else {
    let c00 = f32x4.splat(0);
    let c01 = f32x4.splat(0);
    let c10 = f32x4.splat(0);
    let c11 = f32x4.splat(0);
    let c20 = f32x4.splat(0);
    let c21 = f32x4.splat(0);
    let c30 = f32x4.splat(0);
    let c31 = f32x4.splat(0);
    const end = bp + ((<usize>kc) << 5);
    while (true) {
      const b0 = v128.load(bp);
      const b1 = v128.load(bp, 16);
      let x = v128.load32_splat(ap);
      c00 = multiplyAdd(c00, x, b0);
      c01 = multiplyAdd(c01, x, b1);
      x = v128.load32_splat(ap, 4);
      c10 = multiplyAdd(c10, x, b0);
      c11 = multiplyAdd(c11, x, b1);
      x = v128.load32_splat(ap, 8);
      c20 = multiplyAdd(c20, x, b0);
      c21 = multiplyAdd(c21, x, b1);
      x = v128.load32_splat(ap, 12);
      c30 = multiplyAdd(c30, x, b0);
      c31 = multiplyAdd(c31, x, b1);
      ap += 16;
      bp += 32;
      if (bp == end) break;
    }
    addRow(c, c00, c01);
    addRow(c + cStep, c10, c11);
    addRow(c + cStep * 2, c20, c21);
    addRow(c + cStep * 3, c30, c31);
  }
}

/**
 * sum + x·y in two roundings. The relaxed build, which nobody gets without asking, may do it in one: then engines differ.
 */
function multiplyAdd(sum: v128, x: v128, y: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_madd<f32>(x, y, sum);
  else return f32x4.add(sum, f32x4.mul(x, y));
}

function addRow(c: usize, left: v128, right: v128): void {
  v128.store(c, f32x4.add(v128.load(c), left));
  v128.store(c, f32x4.add(v128.load(c, 16), right), 16);
}

/** The scalar build's 2×4 part of a tile: eight accumulators, so that nothing spills. Same additions per element. */
function multiplyPart(kc: i32, ap: usize, bp: usize, c: usize, cStep: usize): void {
  let c00: f32 = 0;
  let c01: f32 = 0;
  let c02: f32 = 0;
  let c03: f32 = 0;
  let c10: f32 = 0;
  let c11: f32 = 0;
  let c12: f32 = 0;
  let c13: f32 = 0;
  const end = bp + ((<usize>kc) << 5);
  while (true) {
    const b0 = load<f32>(bp);
    const b1 = load<f32>(bp, 4);
    const b2 = load<f32>(bp, 8);
    const b3 = load<f32>(bp, 12);
    let x = load<f32>(ap);
    c00 += x * b0;
    c01 += x * b1;
    c02 += x * b2;
    c03 += x * b3;
    x = load<f32>(ap, 4);
    c10 += x * b0;
    c11 += x * b1;
    c12 += x * b2;
    c13 += x * b3;
    ap += 16;
    bp += 32;
    if (bp == end) break;
  }
  addFour(c, c00, c01, c02, c03);
  addFour(c + cStep, c10, c11, c12, c13);
}

function addFour(c: usize, x0: f32, x1: f32, x2: f32, x3: f32): void {
  store<f32>(c, load<f32>(c) + x0);
  store<f32>(c, load<f32>(c, 4) + x1, 4);
  store<f32>(c, load<f32>(c, 8) + x2, 8);
  store<f32>(c, load<f32>(c, 12) + x3, 12);
}
