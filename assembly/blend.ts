// Blending two tensors: dst = wa·a + wb·b, two products and one sum.

/** f32; dst may be a or b. */
export function combine32(dst: usize, a: usize, b: usize, n: i32, wa: f32, wb: f32): void {
  let left = n;
  if (ASC_FEATURE_SIMD) {
    const wav = f32x4.splat(wa);
    const wbv = f32x4.splat(wb);
    for (; left >= 4; left -= 4) {
      v128.store(dst, f32x4.add(f32x4.mul(wav, v128.load(a)), f32x4.mul(wbv, v128.load(b))));
      dst += 16;
      a += 16;
      b += 16;
    }
  }
  for (; left > 0; left--) {
    store<f32>(dst, wa * load<f32>(a) + wb * load<f32>(b));
    dst += 4;
    a += 4;
    b += 4;
  }
}

/** f64; dst may be a or b. */
export function combine64(dst: usize, a: usize, b: usize, n: i32, wa: f64, wb: f64): void {
  let left = n;
  if (ASC_FEATURE_SIMD) {
    const wav = f64x2.splat(wa);
    const wbv = f64x2.splat(wb);
    for (; left >= 2; left -= 2) {
      v128.store(dst, f64x2.add(f64x2.mul(wav, v128.load(a)), f64x2.mul(wbv, v128.load(b))));
      dst += 16;
      a += 16;
      b += 16;
    }
  }
  for (; left > 0; left--) {
    store<f64>(dst, wa * load<f64>(a) + wb * load<f64>(b));
    dst += 8;
    a += 8;
    b += 8;
  }
}
