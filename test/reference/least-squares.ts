/** Grams, Cholesky factors, solves, patches and checksums by plain loops. Matrices are row by row. */

/** The upper trapezoid of XᵀX added to `g` in the kernels' order: blocks of 256 rows, each summed from zero. */
export function gramReference(
  g: Float64Array,
  ldg: number,
  first: number,
  x: Float32Array,
  ldx: number,
  rows: number,
  columns: number,
): void {
  for (let from = 0; from < rows; from += 256) {
    for (let i = 0; i < first; i++) {
      for (let j = i; j < columns; j++) {
        let sum = 0;
        for (let r = from; r < Math.min(rows, from + 256); r++) sum += x[r * ldx + i]! * x[r * ldx + j]!;
        g[i * ldg + j]! += sum;
      }
    }
  }
}

/** X of A·X = B for a symmetric positive definite A (n × n) and B (n × m), by an unblocked Cholesky. */
export function solveReference(a: Float64Array, b: Float64Array, n: number, m: number): Float64Array {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= l[i * n + k]! * l[j * n + k]!;
      l[i * n + j] = i === j ? Math.sqrt(sum) : sum / l[j * n + j]!;
    }
  }
  const x = b.slice();
  for (let c = 0; c < m; c++) {
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < i; k++) x[i * m + c]! -= l[i * n + k]! * x[k * m + c]!;
      x[i * m + c]! /= l[i * n + i]!;
    }
    for (let i = n - 1; i >= 0; i--) {
      for (let k = i + 1; k < n; k++) x[i * m + c]! -= l[k * n + i]! * x[k * m + c]!;
      x[i * m + c]! /= l[i * n + i]!;
    }
  }
  return x;
}

/** Images of a batch and how a kernel moves over them. */
export interface PatchCase {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly channel: number;
  readonly depth: number;
  readonly kernel: readonly [height: number, width: number];
  readonly stride: readonly [y: number, x: number];
  readonly dilation: readonly [y: number, x: number];
  readonly pad: readonly [top: number, left: number];
  readonly out: readonly [height: number, width: number];
}

/** All patches, one row for each position of each image. */
export function unfoldReference(x: Float32Array, of: PatchCase): Float32Array {
  const { images, height, width, channels, channel, depth, kernel, stride, dilation, pad, out } = of;
  const rows: number[] = [];
  for (let n = 0; n < images; n++) {
    for (let oy = 0; oy < out[0]; oy++) {
      for (let ox = 0; ox < out[1]; ox++) {
        for (let i = 0; i < kernel[0]; i++) {
          for (let j = 0; j < kernel[1]; j++) {
            const y = oy * stride[0] - pad[0] + i * dilation[0];
            const at = ox * stride[1] - pad[1] + j * dilation[1];
            const inside = y >= 0 && y < height && at >= 0 && at < width;
            for (let c = channel; c < channel + depth; c++)
              rows.push(inside ? x[((n * height + y) * width + at) * channels + c]! : 0);
          }
        }
      }
    }
  }
  return Float32Array.from(rows);
}

/** CRC-32 bit by bit. */
export function crc32Reference(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

interface ProductCase {
  readonly c: Float64Array;
  readonly ldc: number;
  readonly a: Float64Array;
  readonly lda: number;
  readonly m: number;
  readonly b: Float64Array;
  readonly ldb: number;
  readonly n: number;
  readonly rows: number;
}

/** C += AᵀB in the kernels' order: blocks of 256 rows, each summed from zero. */
export function productReference({ c, ldc, a, lda, m, b, ldb, n, rows }: ProductCase): void {
  for (let from = 0; from < rows; from += 256) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let r = from; r < Math.min(rows, from + 256); r++) sum += a[r * lda + i]! * b[r * ldb + j]!;
        c[i * ldc + j]! += sum;
      }
    }
  }
}
