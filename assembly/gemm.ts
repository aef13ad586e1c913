export function costWork(columns: i32, k: i32): usize {
  return 0;
}

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
  work: usize,
): void {
  for (let i = rowBegin; i < rowEnd; i++) {
    for (let j = 0; j < columns; j++) {
      let sum: f32 = 0;
      for (let kk = 0; kk < k; kk++) {
        const p = <usize>(aOffsets ? load<i32>(aOffsets + ((<usize>kk) << 2)) : kk) + <usize>i * <usize>aStride;
        const q = <usize>(bOffsets ? load<i32>(bOffsets + ((<usize>kk) << 2)) : kk) + <usize>j * <usize>bStride;
        sum += load<f32>(a + (p << 2)) * load<f32>(b + (q << 2));
      }
      const r = c + ((<usize>i * <usize>ldc + <usize>j) << 2);
      store<f32>(r, load<f32>(r) + sum);
    }
  }
}
