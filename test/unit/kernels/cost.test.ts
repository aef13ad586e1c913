import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng, type Rng, randomPermutation } from "../../../src/base/rng.ts";
import type { Kernels } from "../../../src/kernels/kernels.ts";
import { bitEqual } from "../../reference/bits.ts";
import { type CostCase, costExact, costReference } from "../../reference/cost.ts";
import { Bench, BUILDS, buildName, randomF32, randomI32 } from "../../reference/on-kernels.ts";

const SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 100];

/** A case with garbage-free but arbitrary C, and strides a little longer than the rows. */
function createCase(rows: number, columns: number, k: number, rng: Rng, offsets = { a: false, b: false }): CostCase {
  const ldc = columns + rng.below(3);
  const width = k + 5;
  return {
    c: randomF32(rows * ldc, rng),
    ldc,
    rowBegin: 0,
    rowEnd: rows,
    columns,
    k,
    a: randomF32(rows * width, rng),
    aStride: width,
    aOffsets: offsets.a ? randomI32(k, width, rng) : undefined,
    b: randomF32(columns * width, rng),
    bStride: width,
    bOffsets: offsets.b ? randomI32(k, width, rng) : undefined,
  };
}

/** C after `cost` over [0, r1), [r1, r2) … of the rows. */
function run(kernels: Kernels, q: CostCase, splits: readonly number[] = []): Float32Array {
  const bench = new Bench(kernels);
  const c = bench.put(q.c);
  const a = bench.put(q.a);
  const b = bench.put(q.b);
  const aOffsets = q.aOffsets ? bench.put(q.aOffsets) : 0;
  const bOffsets = q.bOffsets ? bench.put(q.bOffsets) : 0;
  const bLess = q.bLess ? bench.put(q.bLess) : 0;
  const work = bench.area(kernels.wasm.costWork(q.columns, q.k));
  const bounds = [q.rowBegin, ...splits, q.rowEnd];
  for (let s = 1; s < bounds.length; s++) {
    const [begin, end] = [bounds[s - 1]!, bounds[s]!];
    const from = [a, q.aStride, aOffsets, b, q.bStride, bOffsets, bLess] as const;
    kernels.wasm.cost(c, q.ldc, begin, end, q.columns, q.k, ...from, work);
  }
  const result = new Float32Array(bench.take(c, q.c.byteLength));
  bench.done();
  return result;
}

const describe = (q: CostCase): string => `${q.rowEnd}x${q.columns}x${q.k}`;

for (const kernels of BUILDS) {
  const test = suite(`kernels cost ${buildName(kernels)}`);

  test("square cases of every small size have the reference's bits", () => {
    const rng = createRng(1);
    for (const n of SIZES) {
      for (const k of SIZES) {
        const q = createCase(n, n, k, rng, { a: rng.below(2) === 0, b: rng.below(2) === 0 });
        bitEqual(run(kernels, q), costReference(q), describe(q));
      }
    }
  });

  test("rows and columns may differ", () => {
    const rng = createRng(2);
    for (const rows of [0, 1, 3, 4, 6, 13, 40]) {
      for (const columns of [0, 1, 5, 8, 12, 23, 50]) {
        const q = createCase(rows, columns, 11, rng);
        bitEqual(run(kernels, q), costReference(q), describe(q));
      }
    }
  });

  test("k beyond a block is added block by block", () => {
    const rng = createRng(3);
    for (const k of [255, 256, 257, 511, 512, 515, 1030]) {
      const q = createCase(9, 10, k, rng, { a: false, b: k % 2 === 0 });
      bitEqual(run(kernels, q), costReference(q), describe(q));
    }
  });

  test("rows and columns beyond a block", () => {
    const rng = createRng(4);
    for (const [rows, columns] of [
      [129, 17],
      [261, 3],
      [5, 2049],
      [3, 4100],
    ] as const) {
      const q = createCase(rows, columns, 6, rng, { a: true, b: true });
      bitEqual(run(kernels, q), costReference(q), describe(q));
    }
  });

  test("splitting the rows over calls changes no bit", () => {
    const rng = createRng(5);
    const q = createCase(70, 37, 300, rng, { a: false, b: true });
    const whole = run(kernels, q);
    for (const splits of [[1], [4], [33], [64], [69], [3, 10, 66]])
      bitEqual(run(kernels, q, splits), whole, `split ${splits}`);
  });

  test("only the given rows are touched", () => {
    const q = { ...createCase(12, 9, 7, createRng(6)), rowBegin: 5, rowEnd: 8 };
    bitEqual(run(kernels, q), costReference(q), "rows 5 to 8");
  });

  test("offsets in runs of any length give what a gathered copy gives", () => {
    const rng = createRng(7);
    for (const length of [1, 2, 3, 4, 5, 9, 16, 25, 49]) {
      const runs = Math.ceil(300 / length);
      const k = runs * length;
      const order = randomPermutation(runs, rng);
      const bOffsets = Int32Array.from(
        { length: k },
        (_, kk) => order[Math.floor(kk / length)]! * length + (kk % length),
      );
      const q: CostCase = { ...createCase(8, 13, k, rng), bStride: k, b: randomF32(13 * k, rng), bOffsets };
      const gathered = Float32Array.from(q.b, (_, at) => q.b[Math.floor(at / k) * k + bOffsets[at % k]!]!);
      bitEqual(run(kernels, q), run(kernels, { ...q, b: gathered, bOffsets: undefined }), `runs of ${length}`);
    }
  });

  test("offsets that look consecutive at both ends but are not", () => {
    for (const bOffsets of [
      [0, 2, 1, 3],
      [0, 0, 2, 3],
      [3, 2, 1, 0],
      [1, 2, 3, 3],
      [5, 6, 7, 8],
    ]) {
      const q = { ...createCase(5, 9, 4, createRng(8)), bOffsets: Int32Array.from(bOffsets) };
      bitEqual(run(kernels, q), costReference(q), `offsets ${bOffsets}`);
    }
  });

  test("columns to subtract, in runs of any length and scattered", () => {
    const rng = createRng(13);
    for (const length of [1, 3, 4, 7, 9, 16]) {
      for (const columns of [1, 6, 17]) {
        const k = 300;
        const starts = (): Int32Array => randomI32(Math.ceil(k / length), k, rng);
        const inRuns = (from: Int32Array): Int32Array =>
          Int32Array.from({ length: k }, (_, kk) => (from[Math.floor(kk / length)]! + (kk % length)) % k);
        const q: CostCase = {
          ...createCase(7, columns, k, rng, { a: true, b: true }),
          bOffsets: inRuns(starts()),
          bLess: inRuns(starts()),
        };
        bitEqual(run(kernels, q), costReference(q), `runs of ${length}, ${columns} columns`);
      }
    }
  });

  test("a row stride of 0 repeats one row", () => {
    const q = { ...createCase(6, 11, 20, createRng(9)), aStride: 0 };
    bitEqual(run(kernels, q), costReference(q), "stride 0");
  });

  test("against f64, errors are a few roundings of the products' magnitude", () => {
    const q: CostCase = { ...createCase(20, 20, 2000, createRng(10)), c: new Float32Array(20 * 22), ldc: 22 };
    const c = run(kernels, q);
    for (let i = 0; i < 20; i++) {
      for (let j = 0; j < 20; j++) {
        const { value, scale } = costExact(q, i, j);
        // 256 additions in a block, 8 blocks: the worst case is 265 roundings, the usual one far less.
        assert.ok(Math.abs(c[i * 22 + j]! - value) <= 20 * 2 ** -24 * scale, `element ${i}, ${j}`);
      }
    }
  });

  test("NaN and infinity stay in their row and column", () => {
    const q = createCase(6, 9, 5, createRng(11));
    q.a.fill(1);
    q.b.fill(1);
    q.a[5 * q.aStride + 2] = Number.NaN;
    q.b[8 * q.bStride + 1] = Number.POSITIVE_INFINITY;
    const c = run(kernels, q);
    for (let i = 0; i < 6; i++) {
      for (let j = 0; j < 9; j++) {
        const value = c[i * q.ldc + j]!;
        if (i === 5) assert.ok(Number.isNaN(value));
        else assert.is(Number.isFinite(value), j !== 8);
      }
    }
  });

  test("the work area is bounded", () => {
    const { costWork } = kernels.wasm;
    assert.is(costWork(2 ** 31 - 1, 2 ** 31 - 1), costWork(2048, 256));
    assert.ok(costWork(2 ** 20, 2 ** 20) <= 2.5 * 2 ** 20);
    assert.ok(costWork(8, 8) < 8192);
    assert.ok(costWork(0, 0) >= 0);
  });

  test.run();
}

const both = suite("kernels cost, simd against scalar");
both("the builds agree in every bit", () => {
  const rng = createRng(12);
  for (const [rows, columns, k] of [
    [33, 47, 700],
    [130, 70, 90],
    [1, 1, 1],
    [64, 64, 64],
  ] as const) {
    const q = createCase(rows, columns, k, rng, { a: false, b: true });
    const [simd, scalar] = BUILDS.map((kernels) => run(kernels, q));
    bitEqual(simd!, scalar!, describe(q));
  }
});
both.run();
