/**
 * The raw exports of the extra wasm builds: what repairs by data and archives need, and matching does not. Typed by
 * hand; a test checks the list against the built modules. Conventions as in exports.ts.
 */
export interface ExtraExports {
  /** First byte above the module's static data: where the arena starts. */
  heapBase(): number;
  /** 1 in the SIMD build, 0 in the scalar one. */
  isSimd(): number;

  // Least squares (assembly/extra/gram.ts, cholesky.ts, residual.ts), f64, rows `ld…` elements apart.
  /**
   * G[i, j] += Σ_r X[r, i]·X[r, j] for i < first, i ≤ j < columns; X is f32. Exact products, summed in blocks of
   * 256 rows.
   */
  gram(
    g: number,
    ldg: number,
    first: number,
    x: number,
    ldx: number,
    rows: number,
    columns: number,
    work: number,
  ): void;
  /** Bytes of work area that `gram` needs. */
  gramWork(columns: number): number;
  /**
   * The n × columns matrix [A | B] becomes [U | U⁻ᵀB], A = UᵀU; only A's upper triangle is read, and the lower one is
   * kept. Returns −1, or the row whose pivot is not positive and finite.
   */
  cholesky(a: number, lda: number, n: number, columns: number, work: number): number;
  /** [U | U⁻ᵀB] becomes [U | A⁻¹B]. */
  backSolve(a: number, lda: number, n: number, columns: number, work: number): void;
  /** Bytes of work area that `cholesky` and `backSolve` need. */
  choleskyWork(columns: number): number;
  /** Copies the upper triangle to the lower one, and the diagonal to `diagonal`, f64[n]. */
  mirror(a: number, lda: number, n: number, diagonal: number): void;
  /** R −= A·X for the symmetric A of a lower triangle and a diagonal; R and X are n × m. */
  subtractProduct(
    r: number,
    ldr: number,
    a: number,
    lda: number,
    diagonal: number,
    n: number,
    x: number,
    ldx: number,
    m: number,
    work: number,
  ): void;
  /** Bytes of work area that `subtractProduct` needs. */
  subtractProductWork(n: number, m: number): number;

  // Products (assembly/extra/product.ts).
  /** C += AᵀB: C is m × n, A and B have `rows` rows; all f64, row by row, rows `ld…` elements apart. */
  product(
    c: number,
    ldc: number,
    a: number,
    lda: number,
    m: number,
    b: number,
    ldb: number,
    n: number,
    rows: number,
    work: number,
  ): void;
  /** Bytes of work area that `product` needs. */
  productWork(m: number, n: number): number;

  // Patches of convolutions (assembly/extra/unfold.ts).
  /**
   * Rows [first, first + count) of the patches of f32 images [images, height, width, channels]:
   * `kernelHeight · kernelWidth · depth` values each, from channel `channel` on, 0 outside of the image.
   */
  unfold(
    dst: number,
    ldd: number,
    src: number,
    height: number,
    width: number,
    channels: number,
    channel: number,
    depth: number,
    kernelHeight: number,
    kernelWidth: number,
    strideY: number,
    strideX: number,
    dilationY: number,
    dilationX: number,
    padTop: number,
    padLeft: number,
    outHeight: number,
    outWidth: number,
    first: number,
    count: number,
  ): void;

  // Checksums (assembly/extra/crc32.ts).
  /** Fills the 8,192 bytes of tables that `crc32` reads. */
  crc32Tables(tables: number): void;
  /** CRC-32 (ZIP, gzip, PNG) of `length` bytes that follow bytes of CRC-32 `before`; signed: `>>> 0` makes it a number. */
  crc32(before: number, bytes: number, length: number, tables: number): number;
}
