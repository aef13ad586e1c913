/** Small matching problems of tensors with given axes, for tests of what lies below whole matchings. */

import { parseSpec } from "../../src/axes/spec-file.ts";
import { type Rng, randomPermutation } from "../../src/base/rng.ts";
import { createKernels } from "../../src/kernels/kernels.ts";
import { outlineProblem, readProblem } from "../../src/match/costs/problem.ts";
import { createWorkspace, type Workspace } from "../../src/match/costs/workspace.ts";
import { resolveFor } from "../../src/perm/resolve-for.ts";
import { toModel } from "./networks.ts";
import { gaussianArray } from "./random.ts";

/** A random problem of tensors with these axes; every permutation has 24 units. */
export async function createProblem(axes: Record<string, string[]>, rng: Rng): Promise<Workspace> {
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
  return createWorkspace(createKernels(), await readProblem(a, b, outline, {}), { jointly: false }, false);
}

/** Moves `count` slots of a permutation round. */
export function rotate(order: Int32Array, count: number, rng: Rng): Int32Array {
  const slots = randomPermutation(order.length, rng).subarray(0, count);
  const moved = order.slice();
  for (let s = 0; s < count; s++) moved[slots[s]!] = order[slots[(s + 1) % count]!]!;
  return moved;
}

export const PROBLEMS: Record<string, Record<string, string[]>> = {
  chain: { one: ["P", "9"], two: ["Q", "P", "3"], three: ["5", "Q"] },
  "two neighbours": { one: ["P", "9"], two: ["Q", "P"], three: ["R", "P", "2"], four: ["R", "Q"] },
  "a permutation twice beside another": { cube: ["P", "Q", "Q"], gate: ["P", "4"], end: ["6", "Q"] },
  "a recurrent tensor": { hidden: ["P", "P"], in: ["P", "7"], out: ["Q", "P"] },
};
