import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng, randomPermutation } from "../../../src/base/rng.ts";
import type { Kernels } from "../../../src/kernels/kernels.ts";
import { bitEqual } from "../../reference/bits.ts";
import { Bench, BUILDS, buildName, randomI32 } from "../../reference/on-kernels.ts";

const RUN_BYTES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 18, 36, 63, 64, 127, 128, 129, 196, 1000];

function gather(
  kernels: Kernels,
  src: Uint8Array,
  batch: number,
  runBytes: number,
  index: Int32Array,
  misalign = 4,
): Uint8Array {
  const bench = new Bench(kernels);
  const bytes = batch * index.length * runBytes;
  const [dst, from, table] = [bench.area(bytes, misalign), bench.put(src, misalign), bench.put(index)];
  kernels.wasm.gather(dst, from, batch, index.length, runBytes, table);
  const result = new Uint8Array(bench.take(dst, bytes));
  bench.done();
  return result;
}

function gatherReference(src: Uint8Array, batch: number, runBytes: number, index: Int32Array): Uint8Array {
  const out = new Uint8Array(batch * index.length * runBytes);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < index.length; i++) {
      const from = (b * index.length + index[i]!) * runBytes;
      out.set(src.subarray(from, from + runBytes), (b * index.length + i) * runBytes);
    }
  }
  return out;
}

function randomBytes(n: number, seed: number): Uint8Array {
  const rng = createRng(seed);
  return Uint8Array.from({ length: n }, () => rng.below(256));
}

for (const kernels of BUILDS) {
  const test = suite(`kernels gather ${buildName(kernels)}`);

  test("rows of every size, any batch and length, any alignment", () => {
    const rng = createRng(1);
    for (const runBytes of RUN_BYTES) {
      for (const [batch, length] of [
        [0, 3],
        [1, 0],
        [1, 1],
        [1, 17],
        [3, 5],
      ] as const) {
        const src = randomBytes(batch * length * runBytes, runBytes);
        const index = randomI32(length, Math.max(1, length), rng);
        const misalign = rng.below(8);
        const actual = gather(kernels, src, batch, runBytes, index, misalign);
        bitEqual(actual, gatherReference(src, batch, runBytes, index), `${batch} x ${length} x ${runBytes} bytes`);
      }
    }
  });

  test("gathering through a permutation and its inverse gives the input back", () => {
    const order = randomPermutation(50, createRng(2));
    const inverse = new Int32Array(50);
    for (let i = 0; i < 50; i++) inverse[order[i]!] = i;
    for (const runBytes of [1, 2, 4, 8, 36, 200]) {
      const src = randomBytes(2 * 50 * runBytes, 3);
      const there = gather(kernels, src, 2, runBytes, order);
      assert.ok(there.some((byte, i) => byte !== src[i]));
      bitEqual(gather(kernels, there, 2, runBytes, inverse), src, `${runBytes} bytes`);
    }
  });

  test.run();
}

const both = suite("kernels gather, simd against scalar");
both("the builds agree", () => {
  for (const runBytes of RUN_BYTES) {
    const src = randomBytes(40 * runBytes, 4);
    const index = randomPermutation(40, createRng(5));
    const [simd, scalar] = BUILDS.map((kernels) => gather(kernels, src, 1, runBytes, index));
    bitEqual(simd!, scalar!, `${runBytes} bytes`);
  }
});
both.run();
