import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng, type Rng } from "../../../src/base/rng.ts";
import type { Kernels } from "../../../src/kernels/kernels.ts";
import { bitEqual } from "../../reference/bits.ts";
import { Bench, BUILDS, buildName, randomF32, randomI32 } from "../../reference/on-kernels.ts";
import { createLanes, dotIndexedReference, type IndexedCase } from "../../reference/sums.ts";

const LENGTHS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 100, 1001];

/** A number that a kernel returns, out of arrays put into its memory. */
function returned(
  kernels: Kernels,
  arrays: readonly Parameters<Bench["put"]>[0][],
  call: (...p: number[]) => number,
): number {
  const bench = new Bench(kernels);
  const result = call(...arrays.map((array) => bench.put(array)));
  bench.done();
  return result;
}

function dotIndexed(kernels: Kernels, x: IndexedCase): number {
  return returned(kernels, [x.a, x.b, x.aRows, x.bRows, x.aCols, x.bCols], (a, b, aRows, bRows, aCols, bCols) =>
    kernels.wasm.dotIndexed(a!, b!, x.aRows.length, aRows!, bRows!, x.aCols.length, aCols!, bCols!, x.run),
  );
}

function indexedCase(rows: number, cols: number, run: number, rng: Rng): IndexedCase {
  const offsets = (n: number): Int32Array => randomI32(n, 400, rng);
  const values = (): Float32Array => randomF32(800 + run, rng);
  return {
    a: values(),
    b: values(),
    aRows: offsets(rows),
    bRows: offsets(rows),
    aCols: offsets(cols),
    bCols: offsets(cols),
    run,
  };
}

interface FoldCase {
  readonly rows: number;
  readonly rowStride: number;
  readonly offsets: Int32Array;
  readonly foldCount: number;
  readonly foldStride: number;
  readonly scale: number;
  readonly src: Float32Array;
}

function foldColumns(kernels: Kernels, x: FoldCase): Float32Array {
  const bench = new Bench(kernels);
  const bytes = 4 * x.rows * x.offsets.length;
  const [dst, src, offsets] = [bench.area(bytes), bench.put(x.src), bench.put(x.offsets)];
  const { rows, rowStride, foldCount, foldStride, scale } = x;
  kernels.wasm.foldColumns(dst, src, rows, rowStride, x.offsets.length, offsets, foldCount, foldStride, scale);
  const result = new Float32Array(bench.take(dst, bytes));
  bench.done();
  return result;
}

function foldReference(x: FoldCase): Float32Array {
  const columns = x.offsets.length;
  return Float32Array.from({ length: x.rows * columns }, (_, at) => {
    const begin = Math.floor(at / columns) * x.rowStride + x.offsets[at % columns]!;
    let sum = 0;
    for (let q = 0; q < x.foldCount; q++) sum += x.src[begin + q * x.foldStride]!;
    return x.scale * sum;
  });
}

for (const kernels of BUILDS) {
  const test = suite(`kernels sums ${buildName(kernels)}`);
  const { wasm } = kernels;

  test("dot32, dot64 and sum32 add in four lanes of f64", () => {
    const rng = createRng(1);
    for (const n of LENGTHS) {
      const [a, b] = [randomF32(n, rng), randomF32(n, rng)];
      const a64 = Float64Array.from(a, (x) => x / 3);
      const b64 = Float64Array.from(b, (x) => x / 7);
      const [dot, dot64, sum] = [createLanes(), createLanes(), createLanes()];
      for (let i = 0; i < n; i++) {
        dot.add(a[i]! * b[i]!);
        dot64.add(a64[i]! * b64[i]!);
        sum.add(a[i]!);
      }
      assert.is(
        returned(kernels, [a, b], (p, q) => wasm.dot32(p!, q!, n)),
        dot.fold(),
        `dot32 of ${n}`,
      );
      assert.is(
        returned(kernels, [a64, b64], (p, q) => wasm.dot64(p!, q!, n)),
        dot64.fold(),
        `dot64 of ${n}`,
      );
      assert.is(
        returned(kernels, [a], (p) => wasm.sum32(p!, n)),
        sum.fold(),
        `sum32 of ${n}`,
      );
    }
  });

  test("products are f64: they neither overflow nor round", () => {
    const big = Float32Array.of(3e38, 3e38, 1 + 2 ** -23);
    const other = Float32Array.of(3e38, -3e38, 1 + 2 ** -23);
    const exact = (1 + 2 ** -23) ** 2;
    assert.is(
      returned(kernels, [big, other], (p, q) => wasm.dot32(p!, q!, 3)),
      exact,
    );
  });

  test("selectedSum adds the chosen entries in order", () => {
    const rng = createRng(2);
    for (const n of [0, 1, 2, 5, 33]) {
      const ldc = n + 3;
      const c = randomF32(n * ldc, rng);
      const index = randomI32(n, ldc, rng);
      let expected = 0;
      for (let i = 0; i < n; i++) expected += c[i * ldc + index[i]!]!;
      assert.is(
        returned(kernels, [c, index], (p, q) => wasm.selectedSum(p!, ldc, n, q!)),
        expected,
      );
    }
  });

  test("dotIndexed keeps its lanes over runs of any length", () => {
    const rng = createRng(3);
    for (const rows of [0, 1, 2, 3, 5]) {
      for (const cols of [0, 1, 2, 3, 7]) {
        for (const run of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 100]) {
          const x = indexedCase(rows, cols, run, rng);
          assert.is(dotIndexed(kernels, x), dotIndexedReference(x), `${rows} x ${cols} x ${run}`);
        }
      }
    }
  });

  test("dotIndexed of one run is dot32, however it is cut", () => {
    const n = 120;
    const rng = createRng(4);
    const [a, b] = [randomF32(n, rng), randomF32(n, rng)];
    const expected = returned(kernels, [a, b], (p, q) => wasm.dot32(p!, q!, n));
    for (const [rows, cols] of [
      [1, 1],
      [1, 120],
      [120, 1],
      [3, 8],
      [2, 20],
      [24, 5],
      [8, 3],
    ] as const) {
      const run = n / rows / cols;
      const rowOffsets = Int32Array.from({ length: rows }, (_, r) => r * cols * run);
      const colOffsets = Int32Array.from({ length: cols }, (_, q) => q * run);
      const x = { a, b, aRows: rowOffsets, bRows: rowOffsets, aCols: colOffsets, bCols: colOffsets, run };
      assert.is(dotIndexed(kernels, x), expected, `${rows} x ${cols} x ${run}`);
    }
  });

  test("foldColumns scales sums of f64 in order", () => {
    const rng = createRng(5);
    for (const rows of [0, 1, 3]) {
      for (const columns of [0, 1, 3, 4, 5, 8, 11]) {
        for (const foldCount of [0, 1, 2, 9]) {
          const foldStride = rng.below(5);
          const offsets = randomI32(columns, 50, rng);
          const src = randomF32(rows * 60 + 50 + foldCount * foldStride, rng);
          const x = { rows, rowStride: 60, offsets, foldCount, foldStride, scale: 1 / 3, src };
          bitEqual(foldColumns(kernels, x), foldReference(x), `${rows} x ${columns}, ${foldCount} by ${foldStride}`);
        }
      }
    }
  });

  test.run();
}

const both = suite("kernels sums, simd against scalar");
both("the builds agree in every bit", () => {
  const rng = createRng(6);
  const [a, b] = [randomF32(999, rng), randomF32(999, rng)];
  const [a64, b64] = [Float64Array.from(a, (x) => x / 3), Float64Array.from(b, (x) => x / 7)];
  const x = indexedCase(7, 11, 13, rng);
  const [simd, scalar] = BUILDS.map((kernels) =>
    Float64Array.of(
      returned(kernels, [a, b], (p, q) => kernels.wasm.dot32(p!, q!, 999)),
      returned(kernels, [a64, b64], (p, q) => kernels.wasm.dot64(p!, q!, 999)),
      returned(kernels, [a], (p) => kernels.wasm.sum32(p!, 999)),
      dotIndexed(kernels, x),
    ),
  );
  bitEqual(simd!, scalar!, "dot32, dot64, sum32, dotIndexed");
});
both.run();
