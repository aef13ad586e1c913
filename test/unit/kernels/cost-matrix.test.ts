import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng, randomPermutation } from "../../../src/base/rng.ts";
import { costMatrix } from "../../../src/kernels/cost-matrix.ts";
import { createKernels } from "../../../src/kernels/kernels.ts";
import { bitEqual } from "../../reference/bits.ts";
import { costReference } from "../../reference/cost.ts";
import { randomF32 } from "../../reference/on-kernels.ts";

const test = suite("kernels costMatrix");

function reference(
  a: Float32Array,
  b: Float32Array,
  n: number,
  k: number,
  columns: number,
  offsets?: [Int32Array, Int32Array],
): Float32Array {
  const c = new Float32Array(n * columns);
  const shared = { rowBegin: 0, rowEnd: n, columns, k, aStride: k, bStride: k };
  return costReference({ c, ldc: columns, a, b, aOffsets: offsets?.[0], bOffsets: offsets?.[1], ...shared });
}

test("of one array with itself, it has the bits that two equal arrays give", () => {
  const rng = createRng(5);
  for (const [n, k] of [
    [0, 4],
    [1, 7],
    [9, 300],
    [128, 5],
    [131, 17],
    [260, 8],
  ] as const) {
    const a = randomF32(n * k, rng);
    for (const simd of [true, false])
      bitEqual(costMatrix(a, a, n, k, { simd }), costMatrix(a, a.slice(), n, k, { simd }), `${n} x ${k}`);
  }
});

test("it is A·Bᵀ, square or not, in both builds", () => {
  const rng = createRng(1);
  for (const [n, columns, k] of [
    [0, 0, 0],
    [1, 1, 1],
    [5, 5, 0],
    [7, 7, 300],
    [6, 11, 9],
    [20, 3, 40],
  ] as const) {
    const [a, b] = [randomF32(n * k, rng), randomF32(columns * k, rng)];
    for (const simd of [true, false]) {
      const c = costMatrix(a, b, n, k, columns === n ? { simd } : { columns, simd });
      bitEqual(c, reference(a, b, n, k, columns), `${n} x ${columns} x ${k}`);
    }
  }
});

test("offsets read columns elsewhere", () => {
  const rng = createRng(2);
  const [a, b] = [randomF32(9 * 30, rng), randomF32(9 * 30, rng)];
  const [aOffsets, bOffsets] = [randomPermutation(30, rng), randomPermutation(30, rng)];
  bitEqual(costMatrix(a, b, 9, 30, { aOffsets, bOffsets }), reference(a, b, 9, 30, 9, [aOffsets, bOffsets]), "offsets");
});

test("inputs are left alone, out is overwritten and returned", () => {
  const a = randomF32(12, 3);
  const before = a.slice();
  const out = new Float32Array(9).fill(Number.NaN);
  assert.is(costMatrix(a, a, 3, 4, { out }), out);
  bitEqual(out, reference(a, a, 3, 4, 3), "out");
  bitEqual(a, before, "a");
});

test("views with an offset of their own are read right", () => {
  const whole = randomF32(20, 4);
  const a = whole.subarray(3, 15);
  bitEqual(costMatrix(a, a, 3, 4), reference(a.slice(), a.slice(), 3, 4, 3), "view");
});

test("kernels can be used again, and keep no memory", () => {
  const kernels = createKernels({ simd: false });
  const mark = kernels.arena.mark();
  const a = randomF32(64, 5);
  for (let i = 0; i < 3; i++) bitEqual(costMatrix(a, a, 8, 8, { kernels }), reference(a, a, 8, 8, 8), `call ${i}`);
  assert.is(kernels.arena.mark(), mark);
});

test("many calls with fresh memories", () => {
  const a = Float32Array.of(2);
  for (let i = 0; i < 100; i++) assert.is(costMatrix(a, a, 1, 1)[0], 4);
});

test("sizes and lengths that do not fit are refused", () => {
  const a = new Float32Array(6);
  const refused = (call: () => unknown, message: string): void =>
    assert.throws(call, (error: unknown) => error instanceof RangeError && error.message === message);
  refused(() => costMatrix(a, a, 2.5, 2), "n 2.5, expected a whole number below 2^31");
  refused(() => costMatrix(a, a, 2, -3), "k -3, expected a whole number below 2^31");
  refused(() => costMatrix(a, a, 2, 3, { columns: 2 ** 31 }), "columns 2147483648, expected a whole number below 2^31");
  refused(() => costMatrix(a, a, 3, 3), "a has 6 elements, expected 9");
  refused(() => costMatrix(a, a, 2, 3, { columns: 4 }), "b has 6 elements, expected 12");
  refused(() => costMatrix(a, a, 2, 3, { out: a }), "out has 6 elements, expected 4");
  refused(() => costMatrix(a, a, 2, 3, { aOffsets: Int32Array.of(0, 1) }), "aOffsets has 2 elements, expected 3");
  refused(() => costMatrix(a, a, 2, 3, { bOffsets: Int32Array.of(0, 3, 1) }), "bOffsets[1] 3, expected 0 to 2");
  refused(() => costMatrix(a, a, 2, 3, { bOffsets: Int32Array.of(0, 1, -1) }), "bOffsets[2] -1, expected 0 to 2");
});

test("a result beyond 4 GiB is refused before anything is done", () => {
  const empty = new Float32Array(0);
  assert.throws(
    () => costMatrix(empty, empty, 2 ** 20, 0),
    /^wasm memory \d+ bytes needed, expected at most 4294967296$/,
  );
});

test.run();
