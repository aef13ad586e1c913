/** What a matching reports of its work. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Progress } from "../../../src/base/progress.ts";
import { createRng } from "../../../src/base/rng.ts";
import { outlineProblem } from "../../../src/match/costs/problem.ts";
import { matchWeights } from "../../../src/match/match-weights.ts";
import { multiplications } from "../../../src/match/watch-work.ts";
import { resolveFor } from "../../../src/perm/resolve-for.ts";
import { mlpNetwork, toModel } from "../../reference/networks.ts";

const test = suite("work of a matching");

const WIDTHS = [20, 40, 30, 10];
const [one, two] = [1, 2].map((seed) => mlpNetwork(createRng(seed), WIDTHS)) as [
  ReturnType<typeof mlpNetwork>,
  ReturnType<typeof mlpNetwork>,
];

test("reads are counted in bytes of both models, products in multiplications up to those of all matrices", async () => {
  const [a, b] = [toModel(one.tensors), toModel(two.tensors)];
  for (const method of ["coordinate", "frank-wolfe"] as const) {
    const all: Progress[] = [];
    await matchWeights(a, b, one.spec, { method, onProgress: (progress) => all.push(progress) });
    const reads = all.filter(({ stage }) => stage === "read");
    let bytes = 0;
    for (const [at, { bytes: size }] of [...a.tensors.values()]
      .map(({ shape }) => ({ bytes: 8 * shape.reduce((x, y) => x * y, 1) }))
      .entries()) {
      bytes += size;
      assert.is(reads[at]?.work?.done, bytes);
    }
    assert.ok(reads.every(({ work }) => work?.total === bytes && work.unit === "bytes"));
    // Weights and biases: P0 meets 20 inputs, a bias and 30 units; P1 40 units, a bias and 10 outputs.
    const expected = 40 ** 2 * (20 + 1 + 30) + 30 ** 2 * (40 + 1 + 10);
    assert.is(multiplications(outlineProblem(resolveFor(a, one.spec))), expected);
    const steps = all.filter(({ stage }) => stage !== "read");
    const products = steps.filter(({ work }) => work !== undefined);
    assert.ok(products.length > 3);
    for (const { work, objective } of products) {
      assert.is(work?.total, expected);
      assert.ok(work!.done > 0 && work!.done <= expected && work!.unit === "multiplications");
      assert.is(objective, undefined);
    }
    if (method === "frank-wolfe") continue;
    const first = steps.findIndex(({ work }) => work === undefined);
    assert.is(steps[first - 1]?.work?.done, expected, "the first sweep computes every matrix once");
    assert.equal([steps[first]?.stage, steps[first]?.done], ["coordinate", 1]);
  }
});

test.run();
