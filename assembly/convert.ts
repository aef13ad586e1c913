// Conversions to and from f32: n elements, dst and src do not overlap, round to nearest, ties to even.
//
// The small formats (f16, E4M3, E5M2) are one algorithm with three numbers: mantissa bits, exponent bias, and the
// smallest code, sign aside, that is special (infinity or NaN). Everything is integer arithmetic on the bits, except
// for subnormals: adding a power of two whose last f32 mantissa bit is worth the small format's smallest step (the
// "magic" number) makes the floating-point unit shift and round them.

/** u16 → f32, IEEE binary16. */
export function f16ToF32(dst: usize, src: usize, n: i32): void {
  widen<u16>(dst, src, n, 10, 15, 0x7c00);
}

/** f32 → u16. Overflow becomes infinity; NaNs become the canonical NaN of their sign. */
export function f32ToF16(dst: usize, src: usize, n: i32): void {
  narrow<u16>(dst, src, n, 10, 15, 0x47800000, 0x7c00, 0x7e00);
}

/** u8 → f32, OCP E4M3FN: no infinities, NaN is 0x7f and 0xff, largest value 448. */
export function f8e4m3ToF32(dst: usize, src: usize, n: i32): void {
  widen<u8>(dst, src, n, 3, 7, 0x7f);
}

/** f32 → u8. What rounds beyond 448 becomes NaN, like PyTorch's cast. */
export function f32ToF8e4m3(dst: usize, src: usize, n: i32): void {
  narrow<u8>(dst, src, n, 3, 7, 0x43f00000, 0x7f, 0x7f);
}

/** u8 → f32, OCP E5M2: the upper half of binary16. */
export function f8e5m2ToF32(dst: usize, src: usize, n: i32): void {
  widen<u8>(dst, src, n, 2, 15, 0x7c);
}

/** f32 → u8. Overflow becomes infinity. */
export function f32ToF8e5m2(dst: usize, src: usize, n: i32): void {
  narrow<u8>(dst, src, n, 2, 15, 0x47800000, 0x7c, 0x7f);
}

/** Bits of the power of two whose last f32 mantissa bit is worth the small format's smallest step. */
function magicBits(mantissa: i32, bias: i32): i32 {
  return (127 + 24 - bias - mantissa) << 23;
}

function widen<T>(dst: usize, src: usize, n: i32, mantissa: i32, bias: i32, special: i32): void {
  const signBit: i32 = 1 << (((<i32>sizeof<T>()) << 3) - 1);
  const signShift: i32 = 32 - ((<i32>sizeof<T>()) << 3);
  const shift = 23 - mantissa;
  const rebias = (127 - bias) << 23;
  const normal = 1 << mantissa;
  const magic = magicBits(mantissa, bias);
  let left = n;
  if (ASC_FEATURE_SIMD) {
    const magics = i32x4.splat(magic);
    for (; left >= 4; left -= 4) {
      const x = loadFour<T>(src);
      const size = v128.and(x, i32x4.splat(signBit - 1));
      const shifted = i32x4.shl(size, shift);
      let bits = i32x4.add(shifted, i32x4.splat(rebias));
      const subnormal = f32x4.sub(v128.or(size, magics), magics);
      bits = v128.bitselect(subnormal, bits, i32x4.lt_s(size, i32x4.splat(normal)));
      const unbounded = v128.or(shifted, i32x4.splat(0x7f800000));
      bits = v128.bitselect(unbounded, bits, i32x4.ge_s(size, i32x4.splat(special)));
      v128.store(dst, v128.or(bits, i32x4.shl(v128.and(x, i32x4.splat(signBit)), signShift)));
      src += sizeof<T>() * 4;
      dst += 16;
    }
  }
  for (; left > 0; left--) {
    const x = <i32>load<T>(src);
    const size = x & (signBit - 1);
    let bits = (size << shift) + rebias;
    if (size < normal) bits = reinterpret<i32>(reinterpret<f32>(size | magic) - reinterpret<f32>(magic));
    if (size >= special) bits = (size << shift) | 0x7f800000;
    store<i32>(dst, bits | ((x & signBit) << signShift));
    src += sizeof<T>();
    dst += 4;
  }
}

/** `overflow`: bits of the smallest f32 that is surely too large; it becomes `large`, NaNs become `nan`. */
function narrow<T>(
  dst: usize,
  src: usize,
  n: i32,
  mantissa: i32,
  bias: i32,
  overflow: i32,
  large: i32,
  nan: i32,
): void {
  const signShift: i32 = 32 - ((<i32>sizeof<T>()) << 3);
  const signBit: i32 = 1 << (((<i32>sizeof<T>()) << 3) - 1);
  const shift = 23 - mantissa;
  // Takes the exponent to the small bias and adds just less than half a step; the last kept bit adds the rest.
  const rebias = ((bias - 127) << 23) + (1 << (shift - 1)) - 1;
  const smallestNormal = (128 - bias) << 23;
  const magic = magicBits(mantissa, bias);
  let left = n;
  if (ASC_FEATURE_SIMD) {
    const magics = i32x4.splat(magic);
    for (; left >= 4; left -= 4) {
      const x = v128.load(src);
      const size = v128.and(x, i32x4.splat(0x7fffffff));
      const odd = v128.and(i32x4.shr_u(size, shift), i32x4.splat(1));
      let code = i32x4.shr_u(i32x4.add(i32x4.add(size, i32x4.splat(rebias)), odd), shift);
      const subnormal = i32x4.sub(f32x4.add(size, magics), magics);
      code = v128.bitselect(subnormal, code, i32x4.lt_s(size, i32x4.splat(smallestNormal)));
      code = v128.bitselect(i32x4.splat(large), code, i32x4.ge_s(size, i32x4.splat(overflow)));
      code = v128.bitselect(i32x4.splat(nan), code, i32x4.gt_s(size, i32x4.splat(0x7f800000)));
      storeFour<T>(dst, v128.or(code, v128.and(i32x4.shr_u(x, signShift), i32x4.splat(signBit))));
      src += 16;
      dst += sizeof<T>() * 4;
    }
  }
  for (; left > 0; left--) {
    const x = load<i32>(src);
    const size = x & 0x7fffffff;
    let code = (size + rebias + ((size >>> shift) & 1)) >>> shift;
    if (size < smallestNormal) code = reinterpret<i32>(reinterpret<f32>(size) + reinterpret<f32>(magic)) - magic;
    if (size >= overflow) code = large;
    if (size > 0x7f800000) code = nan;
    store<T>(dst, <T>(code | ((x >>> signShift) & signBit)));
    src += 4;
    dst += sizeof<T>();
  }
}

/** Four codes as i32 lanes. */
function loadFour<T>(src: usize): v128 {
  if (sizeof<T>() == 2) return v128.load16x4_u(src);
  else return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(src)));
}

/** Four codes from i32 lanes that hold no more than 8 or 16 bits. */
function storeFour<T>(dst: usize, code: v128): void {
  const halves = i16x8.narrow_i32x4_u(code, code);
  if (sizeof<T>() == 2) v128.store64_lane(dst, halves, 0);
  else v128.store32_lane(dst, i8x16.narrow_i16x8_u(halves, halves), 0);
}
