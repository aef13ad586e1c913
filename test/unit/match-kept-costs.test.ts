/** Cost matrices kept by updates are what fresh ones are, but for rounding. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createKeptCosts } from "../../src/match/kept-costs.ts";
import { createRng, randomPermutation } from "../../src/rng.ts";
import { createProblem, PROBLEMS, rotate } from "../reference/matching-problem.ts";

const test = suite("kept cost matrices");

const pause = async (): Promise<void> => undefined;

for (const [name, axes] of Object.entries(PROBLEMS)) {
  test(`${name}: moving a few slots, or most, or all, again and again`, async () => {
    const rng = createRng(3);
    const workspace = await createProblem(axes, rng);
    const { kernels, problem } = workspace;
    const { pointers } = workspace.kept;
    const matrixOf = (p: number): Float32Array => kernels.f32(pointers[p]!, problem.permutations[p]!.size ** 2).slice();
    let orders = problem.permutations.map(({ size }) => randomPermutation(size, rng));
    const kept = createKeptCosts(workspace, workspace.kept, pause);
    for (const count of [2, 3, 0, 8, 15, 22, 24, 2, 5]) {
      orders = orders.map((order) => rotate(order, count, rng));
      for (let p = 0; p < pointers.length; p++) {
        await kept.bring(p, orders);
        const found = matrixOf(p);
        await createKeptCosts(workspace, workspace.kept, pause).bring(p, orders);
        const fresh = matrixOf(p);
        kernels.f32(pointers[p]!, found.length).set(found);
        const scale = fresh.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const worst = fresh.reduce((most, value, at) => Math.max(most, Math.abs(value - found[at]!)), 0);
        assert.ok(worst <= 1e-5 * scale, `${problem.permutations[p]!.name}, ${count} slots: ${worst} of ${scale}`);
      }
    }
  });
}

test.run();
