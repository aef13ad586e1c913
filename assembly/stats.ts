// Sums, all in f64. Reductions keep four lanes: element number e belongs to lane e mod 4 in every build, and the lanes
// are folded (0 + 1) + (2 + 3). Lanes start at +0 and so never hold −0: adding +0 to one changes nothing.

function fold(x0: f64, x1: f64, x2: f64, x3: f64): f64 {
  return x0 + x1 + (x2 + x3);
}

/** Σ a·b of n f32 values. */
export function dot32(a: usize, b: usize, n: i32): f64 {
  return dotRun<f32>(a, b, n);
}

/** Σ a·b of n f64 values. */
export function dot64(a: usize, b: usize, n: i32): f64 {
  return dotRun<f64>(a, b, n);
}

function dotRun<T>(a: usize, b: usize, n: i32): f64 {
  let x0: f64 = 0;
  let x1: f64 = 0;
  let x2: f64 = 0;
  let x3: f64 = 0;
  let left = n;
  if (ASC_FEATURE_SIMD) {
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    for (; left >= 4; left -= 4) {
      low = f64x2.add(low, f64x2.mul(pair<T>(a), pair<T>(b)));
      high = f64x2.add(high, f64x2.mul(pair<T>(a + sizeof<T>() * 2), pair<T>(b + sizeof<T>() * 2)));
      a += sizeof<T>() * 4;
      b += sizeof<T>() * 4;
    }
    x0 = f64x2.extract_lane(low, 0);
    x1 = f64x2.extract_lane(low, 1);
    x2 = f64x2.extract_lane(high, 0);
    x3 = f64x2.extract_lane(high, 1);
  } else {
    for (; left >= 4; left -= 4) {
      x0 += product<T>(a, b);
      x1 += product<T>(a + sizeof<T>(), b + sizeof<T>());
      x2 += product<T>(a + sizeof<T>() * 2, b + sizeof<T>() * 2);
      x3 += product<T>(a + sizeof<T>() * 3, b + sizeof<T>() * 3);
      a += sizeof<T>() * 4;
      b += sizeof<T>() * 4;
    }
  }
  if (left > 0) x0 += product<T>(a, b);
  if (left > 1) x1 += product<T>(a + sizeof<T>(), b + sizeof<T>());
  if (left > 2) x2 += product<T>(a + sizeof<T>() * 2, b + sizeof<T>() * 2);
  return fold(x0, x1, x2, x3);
}

function product<T>(a: usize, b: usize): f64 {
  return <f64>load<T>(a) * <f64>load<T>(b);
}

/** Two neighbouring values as f64. */
function pair<T>(a: usize): v128 {
  if (sizeof<T>() == 8) return v128.load(a);
  else return f64x2.promote_low_f32x4(v128.load64_zero(a));
}

/** Σ a of n f32 values. */
export function sum32(a: usize, n: i32): f64 {
  let x0: f64 = 0;
  let x1: f64 = 0;
  let x2: f64 = 0;
  let x3: f64 = 0;
  let left = n;
  if (ASC_FEATURE_SIMD) {
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    for (; left >= 4; left -= 4) {
      low = f64x2.add(low, pair<f32>(a));
      high = f64x2.add(high, pair<f32>(a + 8));
      a += 16;
    }
    x0 = f64x2.extract_lane(low, 0);
    x1 = f64x2.extract_lane(low, 1);
    x2 = f64x2.extract_lane(high, 0);
    x3 = f64x2.extract_lane(high, 1);
  } else {
    for (; left >= 4; left -= 4) {
      x0 += <f64>load<f32>(a);
      x1 += <f64>load<f32>(a, 4);
      x2 += <f64>load<f32>(a, 8);
      x3 += <f64>load<f32>(a, 12);
      a += 16;
    }
  }
  if (left > 0) x0 += <f64>load<f32>(a);
  if (left > 1) x1 += <f64>load<f32>(a, 4);
  if (left > 2) x2 += <f64>load<f32>(a, 8);
  return fold(x0, x1, x2, x3);
}

/** Σ_i c[i·ldc + index[i]] in order: what an assignment has chosen. */
export function selectedSum(c: usize, ldc: i32, n: i32, index: usize): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < n; i++) {
    sum += <f64>load<f32>(c + ((<usize>load<i32>(index)) << 2));
    c += (<usize>ldc) << 2;
    index += 4;
  }
  return sum;
}

/**
 * dst[i, c] = f32(scale · Σ_q src[i·rowStride + offsets[c] + q·foldStride]), q ascending from 0; dst contiguous.
 * Four columns at a time, each with its own sum: neighbours in c are mostly neighbours in memory.
 */
export function foldColumns(
  dst: usize,
  src: usize,
  rows: i32,
  rowStride: i32,
  columns: i32,
  offsets: usize,
  foldCount: i32,
  foldStride: i32,
  scale: f64,
): void {
  const step = (<usize>foldStride) << 2;
  for (let i = 0; i < rows; i++) {
    let c = 0;
    for (; c + 4 <= columns; c += 4) {
      const table = offsets + ((<usize>c) << 2);
      let p0 = src + ((<usize>load<i32>(table)) << 2);
      let p1 = src + ((<usize>load<i32>(table, 4)) << 2);
      let p2 = src + ((<usize>load<i32>(table, 8)) << 2);
      let p3 = src + ((<usize>load<i32>(table, 12)) << 2);
      let x0: f64 = 0;
      let x1: f64 = 0;
      let x2: f64 = 0;
      let x3: f64 = 0;
      for (let q = 0; q < foldCount; q++) {
        x0 += <f64>load<f32>(p0);
        x1 += <f64>load<f32>(p1);
        x2 += <f64>load<f32>(p2);
        x3 += <f64>load<f32>(p3);
        p0 += step;
        p1 += step;
        p2 += step;
        p3 += step;
      }
      store<f32>(dst, <f32>(scale * x0));
      store<f32>(dst, <f32>(scale * x1), 4);
      store<f32>(dst, <f32>(scale * x2), 8);
      store<f32>(dst, <f32>(scale * x3), 12);
      dst += 16;
    }
    for (; c < columns; c++) {
      store<f32>(dst, <f32>(scale * foldOne(src, offsets + ((<usize>c) << 2), foldCount, step)));
      dst += 4;
    }
    src += (<usize>rowStride) << 2;
  }
}

function foldOne(src: usize, offset: usize, foldCount: i32, step: usize): f64 {
  let p = src + ((<usize>load<i32>(offset)) << 2);
  let sum: f64 = 0;
  for (let q = 0; q < foldCount; q++) {
    sum += <f64>load<f32>(p);
    p += step;
  }
  return sum;
}
