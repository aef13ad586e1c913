/** Cost matrices kept by updates are what fresh ones are, but for rounding. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng, randomPermutation } from "../../../src/base/rng.ts";
import { createKeptCosts } from "../../../src/match/costs/kept-costs.ts";
import { createProblem, PROBLEMS, rotate } from "../../reference/matching-problem.ts";

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

test("a matrix looks at the permutations it depends on, and keeps no others: memory grows with their number, not its square", async () => {
  const axes = { one: ["P", "9"], two: ["Q", "P"], three: ["R", "Q"], four: ["S", "R"], five: ["5", "S"] };
  const workspace = await createProblem(axes, createRng(4));
  const { permutations } = workspace.problem;
  const p = permutations.findIndex(({ name }) => name === "P");
  const q = permutations.findIndex(({ name }) => name === "Q");
  const kept = createKeptCosts(workspace, workspace.kept, pause);
  for (let round = 0; round < 2; round++) {
    const looked = new Set<string>();
    const orders = permutations.map(({ size }) => randomPermutation(size, createRng(round)));
    const watched = new Proxy(orders, {
      get(target, key) {
        if (/^\d+$/.test(String(key))) looked.add(String(key));
        return Reflect.get(target, key);
      },
    });
    await kept.bring(p, watched);
    assert.equal([...looked], [String(q)]);
  }
});

test.run();
