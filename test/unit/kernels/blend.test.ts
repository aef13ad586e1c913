import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../../src/base/rng.ts";
import type { Kernels } from "../../../src/kernels/kernels.ts";
import { bitEqual } from "../../reference/bits.ts";
import { Bench, BUILDS, buildName, randomF32 } from "../../reference/on-kernels.ts";

const LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 33, 100];
const { fround } = Math;

type Target = "apart" | "a" | "b";

function combine32(
  kernels: Kernels,
  a: Float32Array,
  b: Float32Array,
  wa: number,
  wb: number,
  into: Target,
): Float32Array {
  const bench = new Bench(kernels);
  const [pa, pb] = [bench.put(a), bench.put(b)];
  const dst = into === "apart" ? bench.area(a.byteLength) : into === "a" ? pa : pb;
  kernels.wasm.combine32(dst, pa, pb, a.length, wa, wb);
  const result = new Float32Array(bench.take(dst, a.byteLength));
  bench.done();
  return result;
}

function combine64(
  kernels: Kernels,
  a: Float64Array,
  b: Float64Array,
  wa: number,
  wb: number,
  into: Target,
): Float64Array {
  const bench = new Bench(kernels);
  const [pa, pb] = [bench.put(a), bench.put(b)];
  const dst = into === "apart" ? bench.area(a.byteLength) : into === "a" ? pa : pb;
  kernels.wasm.combine64(dst, pa, pb, a.length, wa, wb);
  const result = new Float64Array(bench.take(dst, a.byteLength));
  bench.done();
  return result;
}

/** Bytes after a kernel that works in place, and what it returned. */
function inPlace(
  kernels: Kernels,
  data: Float32Array | Float64Array,
  call: (p: number, n: number) => number,
): [number, ArrayBuffer] {
  const bench = new Bench(kernels);
  const pointer = bench.put(data);
  const result = call(pointer, data.length);
  const bytes = bench.take(pointer, data.byteLength);
  bench.done();
  return [result, bytes];
}

for (const kernels of BUILDS) {
  const test = suite(`kernels blend ${buildName(kernels)}`);
  const { wasm } = kernels;

  test("combine32 is two products and a sum in f32, in place or not", () => {
    const rng = createRng(1);
    const [wa, wb] = [fround(0.3), fround(0.7)];
    for (const n of LENGTHS) {
      const [a, b] = [randomF32(n, rng), randomF32(n, rng)];
      const expected = a.map((x, i) => fround(wa * x) + fround(wb * b[i]!));
      for (const into of ["apart", "a", "b"] as const)
        bitEqual(combine32(kernels, a, b, 0.3, 0.7, into), expected, `${n} ${into}`);
    }
  });

  test("combine64 is two products and a sum in f64, in place or not", () => {
    const rng = createRng(2);
    for (const n of LENGTHS) {
      const a = Float64Array.from(randomF32(n, rng), (x) => x / 3);
      const b = Float64Array.from(randomF32(n, rng), (x) => x / 7);
      const expected = a.map((x, i) => 0.3 * x + 0.7 * b[i]!);
      for (const into of ["apart", "a", "b"] as const)
        bitEqual(combine64(kernels, a, b, 0.3, 0.7, into), expected, `${n} ${into}`);
    }
  });

  test("weights 1 and 0 give one side's values", () => {
    const [a, b] = [randomF32(33, 3), randomF32(33, 4)];
    bitEqual(
      combine32(kernels, a, b, 1, 0, "apart").map((x) => x + 0),
      a,
      "a",
    );
    bitEqual(
      combine32(kernels, a, b, 0, 1, "apart").map((x) => x + 0),
      b,
      "b",
    );
  });

  test("nonfinite32 and nonfinite64 find the first NaN or infinity", () => {
    for (const n of LENGTHS) {
      const clean = randomF32(n, n).map((x) => (x === 0 ? 3.4028234663852886e38 : x));
      const clean64 = Float64Array.from(clean, (x) => x * 1e200);
      assert.is(inPlace(kernels, clean, wasm.nonfinite32)[0], -1);
      assert.is(inPlace(kernels, clean64, wasm.nonfinite64)[0], -1);
      for (let at = 0; at < n; at++) {
        const bad = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][at % 3]!;
        const dirty = clean.slice();
        dirty[at] = bad;
        dirty[n - 1] = bad;
        assert.is(inPlace(kernels, dirty, wasm.nonfinite32)[0], at);
        assert.is(inPlace(kernels, Float64Array.from(dirty), wasm.nonfinite64)[0], at);
      }
    }
  });

  test("zeroNonfinite32 clears exactly those, and counts them", () => {
    const rng = createRng(5);
    for (const n of LENGTHS) {
      const data = randomF32(n, rng).map((x) => (rng.below(4) === 0 ? [Number.NaN, 1 / 0, -1 / 0][rng.below(3)]! : x));
      const expected = data.map((x) => (Number.isFinite(x) ? x : 0));
      const [count, bytes] = inPlace(kernels, data, wasm.zeroNonfinite32);
      bitEqual(new Float32Array(bytes), expected, `${n} elements`);
      assert.is(count, data.filter((x) => !Number.isFinite(x)).length);
    }
  });

  test.run();
}

const both = suite("kernels blend, simd against scalar");
both("the builds agree in every bit", () => {
  const [a, b] = [randomF32(99, 6), randomF32(99, 7)];
  const [simd, scalar] = BUILDS.map((kernels) => combine32(kernels, a, b, 1 / 3, 2 / 3, "apart"));
  bitEqual(simd!, scalar!, "combine32");
  const [a64, b64] = [Float64Array.from(a), Float64Array.from(b)];
  const [simd64, scalar64] = BUILDS.map((kernels) => combine64(kernels, a64, b64, 1 / 3, 2 / 3, "apart"));
  bitEqual(simd64!, scalar64!, "combine64");
});
both.run();
