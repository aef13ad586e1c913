/** `bench match --dump DIR`: the cost matrices that descent meets in its first sweep, for `bench assign --real DIR`. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { resolveSpec } from "../../src/axes/resolve-spec.ts";
import { createRng, randomPermutation } from "../../src/base/rng.ts";
import { createKernels } from "../../src/kernels/kernels.ts";
import { accumulateCost } from "../../src/match/costs/accumulate-cost.ts";
import { outlineProblem, readProblem } from "../../src/match/costs/problem.ts";
import { createWorkspace } from "../../src/match/costs/workspace.ts";
import { assignGroup } from "../../src/match/solve/assign-group.ts";
import { identityPermutation } from "../../src/perm/permutation.ts";
import type { LoadedPair } from "./match-pairs.ts";
import { bytesOf } from "./python.ts";

/** Writes one file `PAIR.PERMUTATION.f32` for each permutation, n×n little-endian f32; gives the number of them. */
export async function dumpCosts({ name, a, b, spec }: LoadedPair, directory: string): Promise<number> {
  mkdirSync(directory, { recursive: true });
  const problem = await readProblem(a, b, outlineProblem(resolveSpec(spec, a.tensors)), {});
  const kernels = createKernels({ simd: true });
  const workspace = createWorkspace(kernels, problem, { jointly: true }, true);
  const costs = workspace.running;
  const orders = problem.permutations.map(({ size }) => identityPermutation(size));
  let written = 0;
  for (const g of randomPermutation(problem.groups.length, createRng(0))) {
    const group = problem.groups[g]!;
    for (const p of [group.root, ...group.nested]) {
      const { size: n, name: permutation } = problem.permutations[p]!;
      costs.set(p, null);
      const pause = async (): Promise<void> => {};
      await accumulateCost(workspace, p, problem.occurrences[p]!, (other) => orders[other]!, costs, { pause });
      const file = `${name}.${permutation}`.replaceAll(/[^\w.-]+/g, "_");
      writeFileSync(join(directory, `${file}.f32`), bytesOf(kernels.f32(costs.pointers[p]!, n * n)));
      written++;
    }
    for (const [p, order] of assignGroup(workspace, group, costs.pointers)) orders[p] = order;
  }
  return written;
}
