/** The assignment kernel itself on costs that are not finite: it refuses them, wherever they stand, and works on after it. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../../src/base/rng.ts";
import { createKernels } from "../../../src/kernels/kernels.ts";
import { solveGuarded } from "../../reference/assignment-kernel.ts";
import { gaussianArray } from "../../reference/random.ts";

const NONFINITE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
/** NaN with its sign bit set, which JavaScript cannot write as a number. */
const NEGATIVE_NAN = 0xffc00000;

for (const simd of [true, false]) {
  const test = suite(`assignment refused, ${simd ? "simd" : "scalar"}`);
  const kernels = createKernels({ simd });

  for (const [n, m] of [
    [1, 1],
    [2, 2],
    [5, 9],
    [17, 17],
    [40, 70],
    [130, 130],
    [1100, 1100],
  ] as const)
    test(`a cost of ${n} × ${m} that is NaN or infinite is refused, at any place`, () => {
      const rng = createRng(n);
      const clean = gaussianArray(n * m, rng);
      for (const bad of NONFINITE)
        for (let trial = 0; trial < (n > 1000 ? 1 : 6); trial++)
          for (const maximize of [true, false])
            for (const wide of n > 1000 ? [false] : [true, false]) {
              const costs = wide ? Float64Array.from(clean) : clean.slice();
              costs[[0, n * m - 1][trial] ?? Math.floor(rng.uniform() * n * m)] = bad;
              const { objective, method } = solveGuarded(kernels, costs, m, n, m, maximize);
              assert.ok(Number.isNaN(objective), `${bad}: ${objective}`);
              assert.is(method, -1);
            }
      assert.ok(Number.isFinite(solveGuarded(kernels, clean, m, n, m, true).objective), "the kernel works on");
    });

  test("nothing but NaN and infinities, negative NaNs too, and earlier prices to start from", () => {
    for (const n of [1, 3, 16, 33, 200])
      for (const bits of [0x7f800000, 0xff800000, 0x7fc00000, NEGATIVE_NAN]) {
        const costs = new Float32Array(Uint32Array.from({ length: n * n }, () => bits).buffer);
        for (const earlier of [undefined, new Float64Array(n)])
          assert.is(solveGuarded(kernels, costs, n, n, n, true, earlier).method, -1, `${n}, ${bits.toString(16)}`);
        const one = gaussianArray(n * n, createRng(n));
        new Uint32Array(one.buffer)[n * n - 1] = bits;
        assert.is(solveGuarded(kernels, one, n, n, n, true, new Float64Array(n)).method, -1);
      }
  });

  test("the largest finite costs are not refused", () => {
    for (const n of [4, 40]) {
      const rng = createRng(n);
      const costs = Float32Array.from({ length: n * n }, () => (rng.uniform() < 0.5 ? -1 : 1) * 3.4e38);
      for (const maximize of [true, false]) assert.ok(solveGuarded(kernels, costs, n, n, n, maximize).method >= 0);
    }
  });

  test.run();
}
