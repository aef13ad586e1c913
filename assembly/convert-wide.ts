// Conversions where nothing but the upper bits or the machine's own rounding is needed. n elements, no overlap.

/** bf16 is the upper half of f32: exact. */
export function bf16ToF32(dst: usize, src: usize, n: i32): void {
  let left = n;
  if (ASC_FEATURE_SIMD) {
    for (; left >= 4; left -= 4) {
      v128.store(dst, i32x4.shl(v128.load16x4_u(src), 16));
      src += 8;
      dst += 16;
    }
  }
  for (; left > 0; left--) {
    store<u32>(dst, (<u32>load<u16>(src)) << 16);
    src += 2;
    dst += 4;
  }
}

/** Round to nearest, ties to even; overflow becomes infinity; a NaN keeps its upper bits and becomes quiet. */
export function f32ToBf16(dst: usize, src: usize, n: i32): void {
  let left = n;
  if (ASC_FEATURE_SIMD) {
    for (; left >= 4; left -= 4) {
      const x = v128.load(src);
      const upper = i32x4.shr_u(x, 16);
      const half = i32x4.add(v128.and(upper, i32x4.splat(1)), i32x4.splat(0x7fff));
      const rounded = i32x4.shr_u(i32x4.add(x, half), 16);
      const nan = i32x4.gt_s(v128.and(x, i32x4.splat(0x7fffffff)), i32x4.splat(0x7f800000));
      const code = v128.bitselect(v128.or(upper, i32x4.splat(0x40)), rounded, nan);
      v128.store64_lane(dst, i16x8.narrow_i32x4_u(code, code), 0);
      src += 16;
      dst += 8;
    }
  }
  for (; left > 0; left--) {
    const x = load<u32>(src);
    const upper = x >> 16;
    const rounded = (x + 0x7fff + (upper & 1)) >> 16;
    store<u16>(dst, <u16>((x & 0x7fffffff) > 0x7f800000 ? upper | 0x40 : rounded));
    src += 4;
    dst += 2;
  }
}

/** Round to nearest, ties to even; overflow becomes infinity. */
export function f64ToF32(dst: usize, src: usize, n: i32): void {
  let left = n;
  if (ASC_FEATURE_SIMD) {
    for (; left >= 2; left -= 2) {
      v128.store64_lane(dst, f32x4.demote_f64x2_zero(v128.load(src)), 0);
      src += 16;
      dst += 8;
    }
  }
  for (; left > 0; left--) {
    store<f32>(dst, <f32>load<f64>(src));
    src += 8;
    dst += 4;
  }
}

/** Exact. */
export function f32ToF64(dst: usize, src: usize, n: i32): void {
  let left = n;
  if (ASC_FEATURE_SIMD) {
    for (; left >= 2; left -= 2) {
      v128.store(dst, f64x2.promote_low_f32x4(v128.load64_zero(src)));
      src += 8;
      dst += 16;
    }
  }
  for (; left > 0; left--) {
    store<f64>(dst, <f64>load<f32>(src));
    src += 4;
    dst += 8;
  }
}
