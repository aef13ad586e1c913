/**
 * The raw exports of the wasm builds, typed by hand; a test checks this list against the built modules.
 *
 * Pointers are byte addresses below 2^32, counts are integers below 2^31, strides and offsets are in elements unless a
 * name includes bytes. Nothing is checked on the other side: a pointer out of range traps or corrupts. A pointer that
 * comes back from wasm is signed: `>>> 0` makes it an address again.
 */
export interface KernelExports {
  /** First byte above the module's static data: where the arena starts. */
  heapBase(): number;
  /** 1 in the SIMD build, 0 in the scalar one. */
  isSimd(): number;

  // Cost matrices (assembly/gemm.ts).
  /**
   * C[i·ldc + j] += Σ_kk A[i·aStride + aOffset(kk)] · (B[j·bStride + bOffset(kk)] − B[j·bStride + bLess(kk)]) in f32,
   * for the given rows, all columns and all kk. `aOffsets`, `bOffsets`: i32[k], or 0 for "kk itself"; `bLess`: i32[k]
   * beside `bOffsets`, or 0 to subtract nothing.
   */
  cost(
    c: number,
    ldc: number,
    rowBegin: number,
    rowEnd: number,
    columns: number,
    k: number,
    a: number,
    aStride: number,
    aOffsets: number,
    b: number,
    bStride: number,
    bOffsets: number,
    bLess: number,
    work: number,
  ): void;
  /** Bytes of work area that `cost` needs; bounded for any size. */
  costWork(columns: number, k: number): number;

  // Linear assignment (assembly/assign.ts).
  /**
   * Gives each of n rows its own of m ≥ n columns at least total cost, or greatest; returns the total. `ld`: elements
   * between rows. NaN where a cost is NaN or infinite: then it is refused. Writes `rowToColumn` i32[n], `rowDuals`
   * f64[n], `columnDuals` f64[m]. `resume`: 1 if n = m and `columnDuals` holds those of a similar matrix, to start from
   * where that pays.
   */
  assign(
    cost: number,
    ld: number,
    n: number,
    m: number,
    isF64: number,
    maximize: number,
    rowToColumn: number,
    rowDuals: number,
    columnDuals: number,
    work: number,
    resume: number,
  ): number;
  /** Bytes of work area that `assign` needs. */
  assignWork(n: number, m: number): number;
  /**
   * How the last `assign` found its result: 0 column reduction alone, 1 dense paths, 2 candidate lists, 3 auction, 4
   * sorting, 5 earlier prices. 8 is added if dead rows and columns were put aside. −1: it was refused.
   */
  assignMethod(): number;

  // Moving rows (assembly/gather.ts).
  /** dst[b, i, :] = src[b, index[i], :] for rows of `runBytes` bytes; `index` i32[length]. No overlap. */
  gather(dst: number, src: number, batch: number, length: number, runBytes: number, index: number): void;

  // Blending (assembly/blend.ts).
  /** dst = wa·a + wb·b in f32 (weights rounded to f32); `dst` may be `a` or `b`. */
  combine32(dst: number, a: number, b: number, n: number, wa: number, wb: number): void;
  /** dst = wa·a + wb·b in f64; `dst` may be `a` or `b`. */
  combine64(dst: number, a: number, b: number, n: number, wa: number, wb: number): void;

  // Sums (assembly/stats.ts), all accumulated in f64.
  /** Σ a·b of f32. */
  dot32(a: number, b: number, n: number): number;
  /** Σ a·b of f64. */
  dot64(a: number, b: number, n: number): number;
  /** Σ a of f32. */
  sum32(a: number, n: number): number;
  /** Σ_i c[i·ldc + index[i]] of an f32 matrix, in order. */
  selectedSum(c: number, ldc: number, n: number, index: number): number;
  /** Σ_r Σ_q Σ_t A[aRows[r] + aCols[q] + t] · B[bRows[r] + bCols[q] + t], f32 data, i32 element offsets. */
  dotIndexed(
    a: number,
    b: number,
    rows: number,
    aRows: number,
    bRows: number,
    cols: number,
    aCols: number,
    bCols: number,
    run: number,
  ): number;
  /** dst[i, c] = f32(scale · Σ_q src[i·rowStride + offsets[c] + q·foldStride]), q ascending; dst contiguous. */
  foldColumns(
    dst: number,
    src: number,
    rows: number,
    rowStride: number,
    columns: number,
    offsets: number,
    foldCount: number,
    foldStride: number,
    scale: number,
  ): void;

  // Finite checks (assembly/finite.ts).
  /** Index of the first NaN or infinity, −1 if there is none. */
  nonfinite32(a: number, n: number): number;
  /** The same of f64. */
  nonfinite64(a: number, n: number): number;
  /** Sets NaNs and infinities to 0; returns how many there were. */
  zeroNonfinite32(a: number, n: number): number;
  /** Greatest |value|, 0 of none; infinity or NaN where there is such a value. */
  largest32(a: number, n: number): number;

  // Conversions (assembly/convert.ts): n elements, round to nearest even, dst and src do not overlap.
  /** Half precision → f32. Exact. */
  f16ToF32(dst: number, src: number, n: number): void;
  /** f32 → half precision. */
  f32ToF16(dst: number, src: number, n: number): void;
  /** bfloat16 → f32. Exact. */
  bf16ToF32(dst: number, src: number, n: number): void;
  /** f32 → bfloat16. */
  f32ToBf16(dst: number, src: number, n: number): void;
  /** f64 → f32. */
  f64ToF32(dst: number, src: number, n: number): void;
  /** f32 → f64. Exact. */
  f32ToF64(dst: number, src: number, n: number): void;
  /** OCP E4M3FN: no infinities, largest value 448; larger magnitudes become NaN. */
  f8e4m3ToF32(dst: number, src: number, n: number): void;
  /** f32 → E4M3FN. */
  f32ToF8e4m3(dst: number, src: number, n: number): void;
  /** E5M2: overflow becomes infinity. */
  f8e5m2ToF32(dst: number, src: number, n: number): void;
  /** f32 → E5M2. */
  f32ToF8e5m2(dst: number, src: number, n: number): void;
}
