/** The cost matrix of one permutation: what matching assigns by in its last step. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { memoryModel } from "../../../src/base/memory-model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import { solveAssignment } from "../../../src/kernels/assignment.ts";
import { matchWeights } from "../../../src/match/match-weights.ts";
import { costValues } from "../../../src/measure/cost-values.ts";
import { pairOf } from "../../../src/perm/pair.ts";
import { rejects } from "../../reference/expect-error.ts";

const test = suite("cost values");

const WIDTHS = [5, 9, 7, 3];

function randomModel(seed: number) {
  const rng = createRng(seed);
  const tensors = WIDTHS.slice(1).map((width, at) => {
    const data = new Float32Array(width * WIDTHS[at]!).map(() => rng.uniform() - 0.5);
    return [`${at}.weight`, { dtype: "F32", shape: [width, WIDTHS[at]!], data: new Uint8Array(data.buffer) }] as const;
  });
  return memoryModel(new Map(tensors));
}

test("a matching has converged: of each matrix, no assignment is worth more than what was found", async () => {
  const [a, b] = [randomModel(1), randomModel(2)];
  const pair = pairOf(a, b, await detectSpec(a));
  const { alignment, permutations } = await matchWeights(a, b, pair);
  for (const [name, order] of permutations) {
    const { size, before, after } = await costValues(a, b, pair, alignment, name);
    const diagonal = order.reduce((sum, _, i) => sum + after[i * size + i]!, 0);
    const found = order.reduce((sum, j, i) => sum + before[i * size + j]!, 0);
    assert.is(diagonal, found);
    const best = solveAssignment(before, size, { maximize: true }).permutation;
    const most = best.reduce((sum, j, i) => sum + before[i * size + j]!, 0);
    assert.ok(found >= most - 1e-6, `${name}: ${found}, expected at least ${most}`);
  }
});

test("a permutation that is not there is refused by name", async () => {
  const a = randomModel(1);
  const spec = await detectSpec(a);
  const wrong = () => costValues(a, a, spec, new Map(), "Q");
  await rejects(wrong, RangeError, /^permutation Q is not in the spec, expected one of P0, P1$/);
});

test.run();
