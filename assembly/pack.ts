// Packing: copies a panel of `width` rows into k-major order, so that the micro-kernel reads both operands in one
// forward sweep. Columns are taken in order or through an offset table; a permuted matrix is never materialised.

/**
 * Packs `rows` rows from `src` (byte `stride` between rows) into panels of `width` (4 or 8) rows:
 * dst[panel][kk][row in panel], kk < kc. `offsets` is the table's entry for kk = 0, or 0 when `src` already points at
 * the first column; so is `less`, the columns to subtract, or 0 for none. The last panel is filled up by repeating the
 * last row: results of those lanes are thrown away.
 */
export function packPanels(
  rows: i32,
  kc: i32,
  src: usize,
  stride: usize,
  offsets: usize,
  less: usize,
  width: i32,
  dst: usize,
): void {
  const step = (<usize>width) << 2;
  for (let row = 0; row < rows; row += width) {
    for (let strip = 0; strip < width; strip += 4) {
      const last = rows - 1;
      const p0 = src + <usize>min(row + strip, last) * stride;
      const p1 = src + <usize>min(row + strip + 1, last) * stride;
      const p2 = src + <usize>min(row + strip + 2, last) * stride;
      const p3 = src + <usize>min(row + strip + 3, last) * stride;
      const to = dst + ((<usize>strip) << 2);
      if (offsets == 0) packStrip(p0, p1, p2, p3, kc, to, step);
      else if (less == 0) packStripThrough(p0, p1, p2, p3, kc, offsets, to, step);
      else packDifference(p0, p1, p2, p3, kc, offsets, less, to, step);
    }
    dst += <usize>kc * step;
  }
}

/** Four rows, columns in order. */
function packStrip(p0: usize, p1: usize, p2: usize, p3: usize, kc: i32, dst: usize, step: usize): void {
  let left = kc;
  if (ASC_FEATURE_SIMD) {
    for (; left >= 4; left -= 4) {
      transpose(p0, p1, p2, p3, dst, step);
      p0 += 16;
      p1 += 16;
      p2 += 16;
      p3 += 16;
      dst += step << 2;
    }
  }
  for (; left > 0; left--) {
    column(p0, p1, p2, p3, dst);
    p0 += 4;
    p1 += 4;
    p2 += 4;
    p3 += 4;
    dst += step;
  }
}

/** Four rows, column kk at element offset offsets[kk]. Four consecutive offsets take the fast way. */
function packStripThrough(
  p0: usize,
  p1: usize,
  p2: usize,
  p3: usize,
  kc: i32,
  offsets: usize,
  dst: usize,
  step: usize,
): void {
  let left = kc;
  while (left > 0) {
    const at = (<usize>load<i32>(offsets)) << 2;
    if (ASC_FEATURE_SIMD) {
      if (left >= 4 && consecutive(offsets)) {
        transpose(p0 + at, p1 + at, p2 + at, p3 + at, dst, step);
        offsets += 16;
        dst += step << 2;
        left -= 4;
        continue;
      }
    }
    column(p0 + at, p1 + at, p2 + at, p3 + at, dst);
    offsets += 4;
    dst += step;
    left--;
  }
}

/** Four rows, column kk the one at offsets[kk] minus the one at less[kk]. */
function packDifference(
  p0: usize,
  p1: usize,
  p2: usize,
  p3: usize,
  kc: i32,
  offsets: usize,
  less: usize,
  dst: usize,
  step: usize,
): void {
  let left = kc;
  while (left > 0) {
    const at = (<usize>load<i32>(offsets)) << 2;
    const from = (<usize>load<i32>(less)) << 2;
    if (ASC_FEATURE_SIMD) {
      if (left >= 4 && consecutive(offsets) && consecutive(less)) {
        const r0 = difference(p0, at, from);
        const r1 = difference(p1, at, from);
        const r2 = difference(p2, at, from);
        storeTransposed(r0, r1, r2, difference(p3, at, from), dst, step);
        offsets += 16;
        less += 16;
        dst += step << 2;
        left -= 4;
        continue;
      }
    }
    column(p0 + at, p1 + at, p2 + at, p3 + at, dst);
    subtractColumn(p0 + from, p1 + from, p2 + from, p3 + from, dst);
    offsets += 4;
    less += 4;
    dst += step;
    left--;
  }
}

/** Whether the four offsets at `offsets` follow each other. */
function consecutive(offsets: usize): bool {
  const first = v128.load32_splat(offsets);
  return i32x4.all_true(i32x4.eq(v128.load(offsets), i32x4.add(first, i32x4(0, 1, 2, 3))));
}

/** dst[0..3] = one column of four rows. */
function column(p0: usize, p1: usize, p2: usize, p3: usize, dst: usize): void {
  if (ASC_FEATURE_SIMD) {
    let v = v128.load32_zero(p0);
    v = v128.load_lane<f32>(p1, v, 1);
    v = v128.load_lane<f32>(p2, v, 2);
    v = v128.load_lane<f32>(p3, v, 3);
    v128.store(dst, v);
  } else {
    store<f32>(dst, load<f32>(p0));
    store<f32>(dst, load<f32>(p1), 4);
    store<f32>(dst, load<f32>(p2), 8);
    store<f32>(dst, load<f32>(p3), 12);
  }
}

/** Four columns of four rows. */
function transpose(p0: usize, p1: usize, p2: usize, p3: usize, dst: usize, step: usize): void {
  storeTransposed(v128.load(p0), v128.load(p1), v128.load(p2), v128.load(p3), dst, step);
}

/** Four rows of four, stored as four columns `step` bytes apart. */
function storeTransposed(r0: v128, r1: v128, r2: v128, r3: v128, dst: usize, step: usize): void {
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(dst, v128.shuffle<i64>(low01, low23, 0, 2));
  v128.store(dst + step, v128.shuffle<i64>(low01, low23, 1, 3));
  v128.store(dst + step * 2, v128.shuffle<i64>(high01, high23, 0, 2));
  v128.store(dst + step * 3, v128.shuffle<i64>(high01, high23, 1, 3));
}

/** dst[0..3] −= one column of four rows. */
function subtractColumn(p0: usize, p1: usize, p2: usize, p3: usize, dst: usize): void {
  store<f32>(dst, load<f32>(dst) - load<f32>(p0));
  store<f32>(dst, load<f32>(dst, 4) - load<f32>(p1), 4);
  store<f32>(dst, load<f32>(dst, 8) - load<f32>(p2), 8);
  store<f32>(dst, load<f32>(dst, 12) - load<f32>(p3), 12);
}

/** Four elements of a row less four others. */
function difference(row: usize, at: usize, from: usize): v128 {
  return f32x4.sub(v128.load(row + at), v128.load(row + from));
}
