/** The relaxed build is for who asks, where the engine has it; its results are right, if not the same bits. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../../src/base/rng.ts";
import { createKernels } from "../../../src/kernels/kernels.ts";
import { compileRelaxed } from "../../../src/kernels/relaxed.ts";
import { createThreadedKernels } from "../../../src/kernels/threads.ts";
import { matchWeights } from "../../../src/match/match-weights.ts";
import { type CostCase, costExact } from "../../reference/cost.ts";
import { rejects } from "../../reference/expect-error.ts";
import { firstDifference } from "../../reference/first-difference.ts";
import { mlpNetwork, toModel } from "../../reference/networks.ts";
import { Bench, randomF32 } from "../../reference/on-kernels.ts";
import { plant } from "../../reference/plant.ts";

const test = suite("relaxed build");
const module = compileRelaxed(false);
const shared = compileRelaxed(true);
const relaxed = module === null ? test.skip : test;

relaxed("sums are as near the exact ones as those of the default build", () => {
  const kernels = createKernels({ module: module! });
  assert.ok(kernels.simd);
  const rng = createRng(1);
  const [n, k] = [21, 1500];
  const q: CostCase = {
    c: new Float32Array(n * n),
    ldc: n,
    rowBegin: 0,
    rowEnd: n,
    columns: n,
    k,
    a: randomF32(n * k, rng),
    aStride: k,
    b: randomF32(n * k, rng),
    bStride: k,
  };
  const bench = new Bench(kernels);
  const [c, a, b] = [bench.put(q.c), bench.put(q.a), bench.put(q.b)];
  kernels.wasm.cost(c, n, 0, n, n, k, a, k, 0, b, k, 0, 0, bench.area(kernels.wasm.costWork(n, k)));
  const found = new Float32Array(bench.take(c, q.c.byteLength));
  bench.done();
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const { value, scale } = costExact(q, i, j);
      assert.ok(Math.abs(found[i * n + j]! - value) <= 20 * 2 ** -24 * scale, `element ${i}, ${j}`);
    }
  }
});

test("asking for it finds planted permutations, with one thread and with two, and says what computed", async () => {
  const { spec, tensors } = mlpNetwork(createRng(2), [20, 40, 30, 5]);
  const a = toModel(tensors);
  const { b, answer } = await plant(spec, a, createRng(3));
  for (const threads of [1, 2]) {
    const { permutations, report } = await matchWeights(a, b, spec, { relaxed: true, threads });
    assert.is(firstDifference(permutations, answer), null);
    const kernels = threads === 1 ? null : createThreadedKernels({ threads });
    assert.is(report.relaxed, (kernels === null ? module : shared) !== null, `${threads} threads`);
  }
});

test("without asking, it never computes", async () => {
  const { spec, tensors } = mlpNetwork(createRng(4), [6, 8, 3]);
  const a = toModel(tensors);
  const { report } = await matchWeights(a, a, spec);
  assert.is(report.relaxed, false);
});

test("it cannot be had without SIMD", async () => {
  const { spec, tensors } = mlpNetwork(createRng(4), [6, 8, 3]);
  const a = toModel(tensors);
  await rejects(
    () => matchWeights(a, a, spec, { relaxed: true, simd: false }),
    RangeError,
    /^relaxed: true with simd: false, expected one of them$/,
  );
});

test.run();
