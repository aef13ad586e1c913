import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../../src/base/rng.ts";
import { createCrc32 } from "../../../src/kernels/crc32.ts";
import type { ExtraExports } from "../../../src/kernels/extra-exports.ts";
import { createExtraKernels, type ExtraKernels } from "../../../src/kernels/extra-kernels.ts";
import { compileExtra } from "../../../src/kernels/extra-wasm.ts";
import { bitEqual } from "../../reference/bits.ts";
import {
  crc32Reference,
  gramReference,
  type PatchCase,
  productReference,
  solveReference,
  unfoldReference,
} from "../../reference/least-squares.ts";
import { parts, solve, system } from "../../reference/linear-systems.ts";
import { Bench, buildName, randomF32 } from "../../reference/on-kernels.ts";

/** Number of arguments of every export, complete by its type. */
const ARITY: { [Name in keyof ExtraExports]: Parameters<ExtraExports[Name]>["length"] } = {
  heapBase: 0,
  isSimd: 0,
  gram: 8,
  gramWork: 1,
  cholesky: 5,
  backSolve: 5,
  choleskyWork: 1,
  mirror: 4,
  subtractProduct: 10,
  subtractProductWork: 2,
  product: 10,
  productWork: 2,
  unfold: 20,
  crc32Tables: 1,
  crc32: 4,
};

const BUILDS: readonly ExtraKernels[] = [createExtraKernels({ simd: true }), createExtraKernels({ simd: false })];
const [SIMD, SCALAR] = BUILDS as [ExtraKernels, ExtraKernels];

/** Rows, first, columns, padding of rows: around tiles of 4, panels of 128 and blocks of 256 rows. */
const GRAMS: readonly [number, number, number, number][] = [
  [0, 3, 3, 0],
  [1, 1, 1, 0],
  [2, 3, 5, 1],
  [255, 4, 8, 0],
  [256, 5, 6, 3],
  [257, 7, 7, 0],
  [600, 9, 14, 2],
  [40, 127, 133, 0],
  [30, 130, 130, 1],
  [20, 259, 262, 0],
];

function gram(kernels: ExtraKernels, x: Float32Array, [rows, first, columns, padding]: readonly number[]) {
  const ldg = columns! + 1;
  const bench = new Bench(kernels);
  const g = bench.put(new Float64Array(first! * ldg).fill(0.5));
  const work = bench.area(kernels.wasm.gramWork(columns!));
  kernels.wasm.gram(g, ldg, first!, bench.put(x), columns! + padding!, rows!, columns!, work);
  const result = new Float64Array(bench.take(g, 8 * first! * ldg));
  bench.done();
  return result;
}

const SIZES: readonly [number, number][] = [
  [1, 1],
  [2, 3],
  [15, 1],
  [16, 4],
  [17, 5],
  [33, 2],
  [64, 7],
  [130, 9],
  [271, 6],
];

/** m, n, rows: around tiles of 4, panels of 128 and blocks of 256 rows. */
const PRODUCTS: readonly (readonly [number, number, number])[] = [
  [1, 1, 1],
  [3, 5, 2],
  [4, 8, 255],
  [9, 4, 256],
  [6, 7, 257],
  [130, 3, 40],
  [5, 131, 520],
];

const PATCHES: readonly PatchCase[] = [
  {
    images: 2,
    height: 5,
    width: 4,
    channels: 3,
    channel: 0,
    depth: 3,
    kernel: [3, 3],
    stride: [1, 1],
    dilation: [1, 1],
    pad: [1, 1],
    out: [5, 4],
  },
  {
    images: 3,
    height: 6,
    width: 7,
    channels: 8,
    channel: 2,
    depth: 5,
    kernel: [2, 3],
    stride: [2, 3],
    dilation: [1, 2],
    pad: [0, 2],
    out: [3, 3],
  },
  {
    images: 1,
    height: 4,
    width: 4,
    channels: 1,
    channel: 0,
    depth: 1,
    kernel: [4, 4],
    stride: [1, 1],
    dilation: [1, 1],
    pad: [3, 3],
    out: [7, 7],
  },
  {
    images: 5,
    height: 1,
    width: 1,
    channels: 11,
    channel: 3,
    depth: 6,
    kernel: [1, 1],
    stride: [1, 1],
    dilation: [1, 1],
    pad: [0, 0],
    out: [1, 1],
  },
];

function unfold(kernels: ExtraKernels, x: Float32Array, of: PatchCase, first: number, count: number): Float32Array {
  const columns = of.kernel[0] * of.kernel[1] * of.depth;
  const bench = new Bench(kernels);
  const [dst, src] = [bench.area(4 * count * columns), bench.put(x)];
  const { height, width, channels, channel, depth, kernel, stride, dilation, pad, out } = of;
  const place = [height, width, channels, channel, depth, ...kernel, ...stride, ...dilation, ...pad, ...out] as const;
  kernels.wasm.unfold(dst, columns, src, ...place, first, count);
  const result = new Float32Array(bench.take(dst, 4 * count * columns));
  bench.done();
  return result;
}

for (const kernels of BUILDS) {
  const test = suite(`extra kernels ${buildName(kernels)}`);

  test("the build imports its memory and exports what the interface says", () => {
    const { module } = compileExtra({ simd: kernels.simd });
    assert.equal(
      WebAssembly.Module.imports(module).map(({ name }) => name),
      ["memory"],
    );
    const functions = WebAssembly.Module.exports(module).filter(({ kind }) => kind === "function");
    assert.equal(functions.map(({ name }) => name).sort(), Object.keys(ARITY).sort());
    for (const [name, count] of Object.entries(ARITY))
      assert.is((kernels.wasm[name as keyof ExtraExports] as unknown as { length: number }).length, count, name);
    assert.is(kernels.wasm.isSimd(), kernels.simd ? 1 : 0);
  });

  test("a Gram has the bits of plain loops, and nothing below its diagonal", () => {
    const rng = createRng(1);
    for (const shape of GRAMS) {
      const [rows, first, columns, padding] = shape;
      const x = randomF32(rows * (columns + padding), rng);
      const expected = new Float64Array(first * (columns + 1)).fill(0.5);
      gramReference(expected, columns + 1, first, x, columns + padding, rows, columns);
      bitEqual(gram(kernels, x, shape), expected, shape.join());
    }
  });

  test("Cholesky and the solve agree with plain loops, keep the lower triangle, and leave no residual", () => {
    const rng = createRng(2);
    for (const [n, m] of SIZES) {
      const given = system(n, m, rng);
      const { a, b } = parts(given);
      const { bad, x, left, result } = solve(kernels, given);
      assert.is(bad, -1);
      const expected = solveReference(a, b, n, m);
      const size = Math.max(...expected.map(Math.abs));
      for (let e = 0; e < x.length; e++)
        assert.ok(Math.abs(x[e]! - expected[e]!) <= 1e-12 * n * size, `${n} × ${m}: element ${e}`);
      assert.ok(Math.max(...left.map(Math.abs)) <= 1e-13 * n * Math.max(...b.map(Math.abs), 1), `residual of ${n}`);
      for (let i = 1; i < n; i++)
        assert.is(result[i * (n + m)], a[i * n], "the lower triangle holds the matrix once more");
    }
  });

  test("a product has the bits of plain loops, and leaves what is beside the matrix alone", () => {
    const rng = createRng(7);
    for (const [m, n, rows] of PRODUCTS) {
      const [lda, ldb, ldc] = [m + 1, n + 2, n + 3];
      const random = (count: number): Float64Array => Float64Array.from({ length: count }, () => rng.uniform() - 0.5);
      const [a, b, c] = [random(rows * lda), random(rows * ldb), random(m * ldc)];
      const bench = new Bench(kernels);
      const [atC, work] = [bench.put(c), bench.area(kernels.wasm.productWork(m, n))];
      kernels.wasm.product(atC, ldc, bench.put(a), lda, m, bench.put(b), ldb, n, rows, work);
      const result = new Float64Array(bench.take(atC, c.byteLength));
      bench.done();
      productReference({ c, ldc, a, lda, m, b, ldb, n, rows });
      bitEqual(result, c, `${m} × ${n}, ${rows} rows`);
    }
  });

  test("a pivot that is not positive is named, and nothing becomes NaN above it", () => {
    const given = system(40, 2, createRng(3));
    for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const matrix = given.matrix.slice();
      matrix[21 * 42 + 21] = value;
      const { bad, result } = solve(kernels, { ...given, matrix });
      assert.is(bad, 21);
      assert.ok(result.subarray(0, 20 * 42).every(Number.isFinite));
    }
  });

  test("patches are those of plain loops, whole or in pieces", () => {
    const rng = createRng(4);
    for (const of of PATCHES) {
      const x = randomF32(of.images * of.height * of.width * of.channels, rng);
      const expected = unfoldReference(x, of);
      const columns = of.kernel[0] * of.kernel[1] * of.depth;
      const rows = expected.length / columns;
      bitEqual(unfold(kernels, x, of, 0, rows), expected, "whole");
      const from = Math.floor(rows / 3);
      bitEqual(unfold(kernels, x, of, from, rows - from), expected.subarray(from * columns), "a piece");
    }
  });

  test("CRC-32 of known bytes and of any bytes, in any pieces", () => {
    const start = createCrc32({ simd: kernels.simd });
    const of = (...pieces: Uint8Array[]): number => {
      const crc = start();
      for (const piece of pieces) crc.add(piece);
      return crc.value();
    };
    assert.is(of(), 0);
    assert.is(of(new TextEncoder().encode("123456789")), 0xcbf43926);
    const rng = createRng(5);
    const bytes = Uint8Array.from({ length: 70_000 }, () => rng.below(256));
    for (const length of [1, 7, 8, 9, 1000, 65_536, 70_000]) {
      const part = bytes.subarray(0, length);
      const cut = rng.below(length);
      assert.is(of(part.subarray(0, cut), part.subarray(cut)), crc32Reference(part), String(length));
    }
  });

  test.run();
}

const both = suite("extra kernels, simd against scalar");

both("factors, solutions and residuals agree in every bit, and are the same everywhere", () => {
  const rng = createRng(6);
  const start = createCrc32();
  const digest = start();
  for (const [n, m] of [...SIZES, [300, 20] as const]) {
    const given = system(n, m, rng);
    const [simd, scalar] = [solve(SIMD, given), solve(SCALAR, given)];
    bitEqual(simd.result, scalar.result, `${n} × ${m}`);
    bitEqual(simd.left, scalar.left, `residual of ${n} × ${m}`);
    digest.add(new Uint8Array(simd.result.buffer));
    digest.add(new Uint8Array(simd.left.buffer));
  }
  assert.is(digest.value().toString(16), "25f491e9");
});

both.run();
