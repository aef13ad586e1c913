/** Cost matrices of plain arrays: the public face of the `cost` kernel. */

import { ROW_BLOCK } from "./constants.ts";
import { withKernels } from "./idle.ts";
import type { Kernels } from "./kernels.ts";
import { multiply, type Rows } from "./multiply.ts";

const INT32_MAX = 2 ** 31 - 1;

/** Options of `costMatrix`. */
export interface CostMatrixOptions {
  /** Rows of `b`, which are columns of the result; `n` unless given. */
  readonly columns?: number | undefined;
  /** Reads column aOffsets[kk] of `a` as column kk: `k` integers in [0, k). In order unless given. */
  readonly aOffsets?: Int32Array | undefined;
  /** The same for `b`: a permuted matrix never has to be made. */
  readonly bOffsets?: Int32Array | undefined;
  /** Where the result goes: n·columns elements, overwritten. A new array unless given. */
  readonly out?: Float32Array | undefined;
  /** Forces the SIMD or the scalar build; the result has the same bits. */
  readonly simd?: boolean | undefined;
  /** Kernels to run on, instead of a fresh instance (and memory) for this call; `simd` is not looked at then. */
  readonly kernels?: Kernels | undefined;
}

/**
 * The n×columns row-major matrix A·Bᵀ of row-major `a` (n×k) and `b` (columns×k): scalar products of every row of
 * `a` with every row of `b`. Inputs are copied into wasm memory; the result is `out` or a new array.
 *
 * f32 throughout: k is cut into blocks of 256, products are added in ascending k within a block (no fused operation),
 * block sums are added in order. The bits are the same in every runtime and build. With one array for `a` and `b` (and
 * no offsets) the matrix is symmetric, and half of it is computed.
 *
 * @throws {RangeError} for sizes that are no whole numbers, arrays whose length does not fit them, offsets outside [0,
 * k), and for more memory than 4 GiB.
 *
 * @example
 * costMatrix(Float32Array.of(1, 2, 3, 4), Float32Array.of(1, 0, 0, 1), 2, 2); // 1 2 3 4: B is the identity
 */
export function costMatrix(
  a: Float32Array,
  b: Float32Array,
  n: number,
  k: number,
  options: CostMatrixOptions = {},
): Float32Array {
  const columns = options.columns ?? n;
  checkSize("n", n);
  checkSize("k", k);
  checkSize("columns", columns);
  checkLength("a", a, n * k);
  checkLength("b", b, columns * k);
  checkOffsets("aOffsets", options.aOffsets, k);
  checkOffsets("bOffsets", options.bOffsets, k);
  if (options.out !== undefined) checkLength("out", options.out, n * columns);

  const { kernels, simd } = options;
  if (kernels !== undefined) return multiplyOn(kernels, a, b, n, k, columns, options);
  return withKernels({ simd }, (own) => multiplyOn(own, a, b, n, k, columns, options));
}

function multiplyOn(
  kernels: Kernels,
  a: Float32Array,
  b: Float32Array,
  n: number,
  k: number,
  columns: number,
  options: CostMatrixOptions,
): Float32Array {
  const { arena, wasm } = kernels;
  const mark = arena.mark();
  try {
    const work = arena.allocate(wasm.costWork(columns, k));
    const aPointer = arena.allocate(4 * n * k);
    const symmetric = a === b && n === columns && options.aOffsets === undefined && options.bOffsets === undefined;
    const bPointer = symmetric ? aPointer : arena.allocate(4 * columns * k);
    const aOffsets = options.aOffsets === undefined ? 0 : arena.allocate(4 * k);
    const bOffsets = options.bOffsets === undefined ? 0 : arena.allocate(4 * k);
    const c = arena.allocate(4 * n * columns);
    const out = options.out ?? new Float32Array(n * columns);
    // Nothing allocates from here on, so views are safe.
    kernels.f32(aPointer, n * k).set(a);
    if (!symmetric) kernels.f32(bPointer, columns * k).set(b);
    if (options.aOffsets !== undefined) kernels.i32(aOffsets, k).set(options.aOffsets);
    if (options.bOffsets !== undefined) kernels.i32(bOffsets, k).set(options.bOffsets);
    const result = kernels.f32(c, n * columns);
    result.fill(0);
    const own: Rows = { at: aPointer, stride: k, offsets: aOffsets };
    const other = { at: bPointer, stride: k, offsets: bOffsets, less: 0 };
    if (symmetric) multiplyBySelf(kernels, c, n, k, own, work);
    else multiply(wasm, { c, ldc: columns, rows: [0, n], columns, k, a: own, b: other, work });
    out.set(result);
    return out;
  } finally {
    arena.release(mark);
  }
}

/** C += A·Aᵀ: the upper half block by block, then its mirror image, which has the same bits since x·y = y·x. */
function multiplyBySelf({ wasm, f32 }: Kernels, c: number, n: number, k: number, a: Rows, work: number): void {
  // Blocks on the diagonal are as large as what the kernel packs at once.
  for (let row = 0; row < n; row += ROW_BLOCK) {
    const rows = [row, Math.min(n, row + ROW_BLOCK)] as const;
    const b = { ...a, at: a.at + 4 * row * k, less: 0 };
    multiply(wasm, { c: c + 4 * row, ldc: n, rows, columns: n - row, k, a, b, work });
  }
  const matrix = f32(c, n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) matrix[i * n + j] = matrix[j * n + i]!;
}

function checkSize(name: string, size: number): void {
  if (!Number.isInteger(size) || size < 0 || size > INT32_MAX) {
    throw new RangeError(`${name} ${size}, expected a whole number below 2^31`);
  }
}

function checkLength(name: string, array: Float32Array | Int32Array, length: number): void {
  if (array.length !== length) throw new RangeError(`${name} has ${array.length} elements, expected ${length}`);
}

function checkOffsets(name: string, offsets: Int32Array | undefined, k: number): void {
  if (offsets === undefined) return;
  checkLength(name, offsets, k);
  for (let kk = 0; kk < k; kk++) {
    const offset = offsets[kk]!;
    if (offset < 0 || offset >= k) throw new RangeError(`${name}[${kk}] ${offset}, expected 0 to ${k - 1}`);
  }
}
