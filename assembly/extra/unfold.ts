// Unfolded patches: what a convolution multiplies with its kernel at each position, one row each.

/**
 * Rows [first, first + count) of the patches of a batch of images [images, height, width, channels], f32: row p is the patch at
 * position p of [images, outHeight, outWidth], `kernelHeight · kernelWidth · depth` values in that order, from channel `channel`
 * on; outside of the image they are 0. `dst`: f32, rows `ldd` apart. A kernel of 1 × 1 copies columns.
 */
export function unfold(
  dst: usize,
  ldd: i32,
  src: usize,
  height: i32,
  width: i32,
  channels: i32,
  channel: i32,
  depth: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  strideY: i32,
  strideX: i32,
  dilationY: i32,
  dilationX: i32,
  padTop: i32,
  padLeft: i32,
  outHeight: i32,
  outWidth: i32,
  first: i32,
  count: i32,
): void {
  const run = (<usize>depth) << 2;
  const rowBytes = (<usize>width * <usize>channels) << 2;
  for (let p = first; p < first + count; p++) {
    const x0 = (p % outWidth) * strideX - padLeft;
    const y0 = ((p / outWidth) % outHeight) * strideY - padTop;
    const image = src + <usize>(p / outWidth / outHeight) * <usize>height * rowBytes + ((<usize>channel) << 2);
    let to = dst;
    for (let i = 0; i < kernelHeight; i++) {
      const y = y0 + i * dilationY;
      const row = image + <usize>y * rowBytes;
      for (let j = 0; j < kernelWidth; j++) {
        const x = x0 + j * dilationX;
        const inside = <u32>y < <u32>height && <u32>x < <u32>width;
        if (inside) copyRun(to, row + ((<usize>x * <usize>channels) << 2), depth);
        else memory.fill(to, 0, run);
        to += run;
      }
    }
    dst += (<usize>ldd) << 2;
  }
}

/** A loop, since the runs are short: a call of the engine's own copy takes longer. */
function copyRun(to: usize, from: usize, n: i32): void {
  if (ASC_FEATURE_SIMD) {
    for (; n >= 4; n -= 4) {
      v128.store(to, v128.load(from));
      to += 16;
      from += 16;
    }
  }
  for (; n > 0; n--) {
    store<u32>(to, load<u32>(from));
    to += 4;
    from += 4;
  }
}
