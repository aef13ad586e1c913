// The scalar product of two tensors seen through offset tables: the objective, without moving anything.

/**
 * Σ_{r<rows} Σ_{q<cols} Σ_{t<run} A[aRows[r] + aCols[q] + t] · B[bRows[r] + bCols[q] + t]; f32 data, i32 offsets in
 * elements, f64 sums. Element number e of the whole sum belongs to lane e mod 4, so one plain run gives the bits of
 * `dot32`. The lanes are held rotated, the next element's first: fours (of a run, or of runs of one) need no rotation
 * whatever the phase they start in, and the last one to three rotate by one each.
 */
export function dotIndexed(
  a: usize,
  b: usize,
  rows: i32,
  aRows: usize,
  bRows: usize,
  cols: i32,
  aCols: usize,
  bCols: usize,
  run: i32,
): f64 {
  if (ASC_FEATURE_SIMD) return dotSimd(a, b, rows, aRows, bRows, cols, aCols, bCols, run);
  else return dotScalar(a, b, rows, aRows, bRows, cols, aCols, bCols, run);
}

/** Address of the f32 at the element offset that table[i] holds. */
function seen(base: usize, table: usize, i: i32): usize {
  return base + ((<usize>load<i32>(table + ((<usize>i) << 2))) << 2);
}

function dotSimd(
  a: usize,
  b: usize,
  rows: i32,
  aRows: usize,
  bRows: usize,
  cols: i32,
  aCols: usize,
  bCols: usize,
  run: i32,
): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (let r = 0; r < rows; r++) {
    const aRow = seen(a, aRows, r);
    const bRow = seen(b, bRows, r);
    let q = 0;
    if (run == 1) {
      for (; q + 4 <= cols; q += 4) {
        const x = seenFour(aRow, aCols, q);
        const y = seenFour(bRow, bCols, q);
        low = f64x2.add(low, f64x2.mul(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(y)));
        const x2 = f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1));
        high = f64x2.add(high, f64x2.mul(x2, f64x2.promote_low_f32x4(v128.shuffle<i64>(y, y, 1, 1))));
      }
    }
    for (; q < cols; q++) {
      let p = seen(aRow, aCols, q);
      let s = seen(bRow, bCols, q);
      let left = run;
      for (; left >= 4; left -= 4) {
        const x = f64x2.promote_low_f32x4(v128.load64_zero(p));
        const x2 = f64x2.promote_low_f32x4(v128.load64_zero(p, 8));
        low = f64x2.add(low, f64x2.mul(x, f64x2.promote_low_f32x4(v128.load64_zero(s))));
        high = f64x2.add(high, f64x2.mul(x2, f64x2.promote_low_f32x4(v128.load64_zero(s, 8))));
        p += 16;
        s += 16;
      }
      for (; left > 0; left--) {
        // One value beside a zero, whose product +0 leaves the other lane as it is.
        const x = f64x2.promote_low_f32x4(v128.load32_zero(p));
        const next = f64x2.add(low, f64x2.mul(x, f64x2.promote_low_f32x4(v128.load32_zero(s))));
        low = v128.shuffle<f64>(next, high, 1, 2);
        high = v128.shuffle<f64>(high, next, 1, 2);
        p += 4;
        s += 4;
      }
    }
  }
  return foldRotated(
    f64x2.extract_lane(low, 0),
    f64x2.extract_lane(low, 1),
    f64x2.extract_lane(high, 0),
    f64x2.extract_lane(high, 1),
    rows * cols * run,
  );
}

/** The four f32 at the element offsets table[i] … table[i + 3]. */
function seenFour(base: usize, table: usize, i: i32): v128 {
  let v = v128.load32_zero(seen(base, table, i));
  v = v128.load_lane<f32>(seen(base, table, i + 1), v, 1);
  v = v128.load_lane<f32>(seen(base, table, i + 2), v, 2);
  return v128.load_lane<f32>(seen(base, table, i + 3), v, 3);
}

function dotScalar(
  a: usize,
  b: usize,
  rows: i32,
  aRows: usize,
  bRows: usize,
  cols: i32,
  aCols: usize,
  bCols: usize,
  run: i32,
): f64 {
  let x0: f64 = 0;
  let x1: f64 = 0;
  let x2: f64 = 0;
  let x3: f64 = 0;
  for (let r = 0; r < rows; r++) {
    const aRow = seen(a, aRows, r);
    const bRow = seen(b, bRows, r);
    let q = 0;
    if (run == 1) {
      for (; q + 4 <= cols; q += 4) {
        x0 += product(seen(aRow, aCols, q), seen(bRow, bCols, q));
        x1 += product(seen(aRow, aCols, q + 1), seen(bRow, bCols, q + 1));
        x2 += product(seen(aRow, aCols, q + 2), seen(bRow, bCols, q + 2));
        x3 += product(seen(aRow, aCols, q + 3), seen(bRow, bCols, q + 3));
      }
    }
    for (; q < cols; q++) {
      let p = seen(aRow, aCols, q);
      let s = seen(bRow, bCols, q);
      let left = run;
      for (; left >= 4; left -= 4) {
        x0 += product(p, s);
        x1 += product(p + 4, s + 4);
        x2 += product(p + 8, s + 8);
        x3 += product(p + 12, s + 12);
        p += 16;
        s += 16;
      }
      for (; left > 0; left--) {
        const next = x0 + product(p, s);
        x0 = x1;
        x1 = x2;
        x2 = x3;
        x3 = next;
        p += 4;
        s += 4;
      }
    }
  }
  return foldRotated(x0, x1, x2, x3, rows * cols * run);
}

function product(p: usize, s: usize): f64 {
  return <f64>load<f32>(p) * <f64>load<f32>(s);
}

/**
 * (0 + 1) + (2 + 3) of lanes held rotated: x0 is lane `count` mod 4 (the product may wrap: its last two bits are
 * right). Addition commutes, so only the pairing matters.
 */
function foldRotated(x0: f64, x1: f64, x2: f64, x3: f64, count: i32): f64 {
  return count & 1 ? x1 + x2 + (x3 + x0) : x0 + x1 + (x2 + x3);
}
