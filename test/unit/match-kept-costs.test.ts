/** Cost matrices kept by updates are what fresh ones are, but for rounding. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createKernels } from "../../src/kernels/kernels.ts";
import { createKeptCosts } from "../../src/match/kept-costs.ts";
import { outlineProblem, readProblem } from "../../src/match/problem.ts";
import { createWorkspace, type Workspace } from "../../src/match/workspace.ts";
import { resolveFor } from "../../src/perm/resolve-for.ts";
import { createRng, type Rng, randomPermutation } from "../../src/rng.ts";
import { parseSpec } from "../../src/spec/spec-file.ts";
import { toModel } from "../reference/networks.ts";
import { gaussianArray } from "../reference/random.ts";

const test = suite("kept cost matrices");

const pause = async (): Promise<void> => undefined;

/** A random problem of tensors with these axes; every permutation has 24 units. */
async function createProblem(axes: Record<string, string[]>, rng: Rng): Promise<Workspace> {
  const model = () =>
    toModel(
      new Map(
        Object.entries(axes).map(([name, list]) => {
          const shape = list.map((axis) => (/^\d+$/.test(axis) ? Number(axis) : 24));
          return [
            name,
            {
              shape,
              data: gaussianArray(
                shape.reduce((x, y) => x * y, 1),
                rng,
              ),
            },
          ];
        }),
      ),
    );
  const [a, b] = [model(), model()];
  const spec = parseSpec({
    format: "rebasin-spec/1",
    tensors: Object.fromEntries(Object.entries(axes).map(([name, list]) => [name, { axes: list }])),
  });
  const outline = outlineProblem(resolveFor(a, spec));
  return createWorkspace(createKernels(), await readProblem(a, b, outline, {}), false, false);
}

/** Moves `count` slots of a permutation round. */
function rotate(order: Int32Array, count: number, rng: Rng): Int32Array {
  const slots = randomPermutation(order.length, rng).subarray(0, count);
  const moved = order.slice();
  for (let s = 0; s < count; s++) moved[slots[s]!] = order[slots[(s + 1) % count]!]!;
  return moved;
}

const PROBLEMS: Record<string, Record<string, string[]>> = {
  chain: { one: ["P", "9"], two: ["Q", "P", "3"], three: ["5", "Q"] },
  "two neighbours": { one: ["P", "9"], two: ["Q", "P"], three: ["R", "P", "2"], four: ["R", "Q"] },
  "a permutation twice beside another": { cube: ["P", "Q", "Q"], gate: ["P", "4"], end: ["6", "Q"] },
  "a recurrent tensor": { hidden: ["P", "P"], in: ["P", "7"], out: ["Q", "P"] },
};

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
