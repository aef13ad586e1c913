// Finds and clears NaNs and infinities: values whose exponent bits are all ones.

const EXPONENT32: u32 = 0x7f800000;
const EXPONENT64: u64 = 0x7ff0000000000000;

/** Index of the first NaN or infinity of n f32 values, −1 if there is none. */
export function nonfinite32(a: usize, n: i32): i32 {
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const mask = i32x4.splat(EXPONENT32);
    for (; i + 4 <= n; i += 4) {
      if (v128.any_true(i32x4.eq(v128.and(v128.load(a + ((<usize>i) << 2)), mask), mask))) break;
    }
  }
  for (; i < n; i++) if ((load<u32>(a + ((<usize>i) << 2)) & EXPONENT32) == EXPONENT32) return i;
  return -1;
}

/** The same of n f64 values. */
export function nonfinite64(a: usize, n: i32): i32 {
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const mask = i64x2.splat(EXPONENT64);
    for (; i + 2 <= n; i += 2) {
      if (v128.any_true(i64x2.eq(v128.and(v128.load(a + ((<usize>i) << 3)), mask), mask))) break;
    }
  }
  for (; i < n; i++) if ((load<u64>(a + ((<usize>i) << 3)) & EXPONENT64) == EXPONENT64) return i;
  return -1;
}

/** Sets NaNs and infinities of n f32 values to 0; returns how many there were. */
export function zeroNonfinite32(a: usize, n: i32): i32 {
  let count = 0;
  let done = 0;
  // Rare enough to find one at a time.
  while (true) {
    const next = nonfinite32(a + ((<usize>done) << 2), n - done);
    if (next < 0) return count;
    store<u32>(a + ((<usize>(done + next)) << 2), 0);
    count++;
    done += next + 1;
  }
}

/** The greatest |value| of n f32 values, 0 of none; infinity or NaN where there is such a value. */
export function largest32(a: usize, n: i32): f32 {
  let i = 0;
  let most: u32 = 0;
  if (ASC_FEATURE_SIMD) {
    const mask = i32x4.splat(0x7fffffff);
    let four = i32x4.splat(0);
    for (; i + 4 <= n; i += 4) four = i32x4.max_s(four, v128.and(v128.load(a + ((<usize>i) << 2)), mask));
    const two = i32x4.max_s(four, v128.shuffle<i32>(four, four, 2, 3, 0, 1));
    most = max(i32x4.extract_lane(two, 0), i32x4.extract_lane(two, 1));
  }
  for (; i < n; i++) most = max(most, load<u32>(a + ((<usize>i) << 2)) & 0x7fffffff);
  return reinterpret<f32>(most);
}
