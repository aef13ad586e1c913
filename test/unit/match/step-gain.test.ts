/** A gain read from cost matrices is the tensors' own but for rounding, and the bound on that rounding holds. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng, randomPermutation } from "../../../src/base/rng.ts";
import { createKeptCosts } from "../../../src/match/costs/kept-costs.ts";
import { createDoubts, gainByCosts, gainByTensors } from "../../../src/match/solve/step-gain.ts";
import { createProblem, PROBLEMS, rotate } from "../../reference/matching-problem.ts";

const test = suite("gain of a step");

const pause = async (): Promise<void> => undefined;

for (const [name, axes] of Object.entries(PROBLEMS)) {
  test(`${name}: matrices tell what tensors do, within the doubt`, async () => {
    const rng = createRng(5);
    const workspace = await createProblem(axes, rng);
    const { problem } = workspace;
    const kept = createKeptCosts(workspace, workspace.kept, pause);
    const doubt = await createDoubts(workspace, pause);
    let orders = problem.permutations.map(({ size }) => randomPermutation(size, rng));
    let [widest, greatest] = [0, 0];
    for (let step = 0; step < 40; step++) {
      orders = orders.map((order) => rotate(order, 3, rng));
      for (const [g, { root }] of problem.groups.entries()) {
        await kept.bring(root, orders);
        const found = new Map([[root, randomPermutation(orders[root]!.length, rng)]]);
        const read = gainByCosts(kept, orders, found);
        const off = Math.abs(read - (await gainByTensors(workspace, g, orders, found, pause)));
        const bound = doubt(g, kept.updates(root));
        assert.ok(off <= bound, `${problem.permutations[root]!.name}, step ${step}: off by ${off}, bound ${bound}`);
        if (bound < Number.POSITIVE_INFINITY) widest = Math.max(widest, bound);
        greatest = Math.max(greatest, Math.abs(read));
      }
    }
    // A bound that swallows whole gains would hold, and be of no use.
    assert.ok(widest < 2e-3 * greatest, `doubts up to ${widest} over gains up to ${greatest}`);
  });
}

test("what is quadratic in a permutation cannot be read from its matrix", async () => {
  const workspace = await createProblem({ hidden: ["P", "P"], in: ["P", "7"] }, createRng(1));
  const doubt = await createDoubts(workspace, pause);
  assert.is(doubt(0, 0), Number.POSITIVE_INFINITY);
});

test("updates add to the doubt", async () => {
  const workspace = await createProblem({ in: ["P", "7"], out: ["Q", "P"], head: ["5", "Q"] }, createRng(1));
  const doubt = await createDoubts(workspace, pause);
  for (const group of [0, 1]) assert.ok(doubt(group, 0) > 0 && doubt(group, 4) > doubt(group, 0));
});

test.run();
