/** Permutations straight from given cost matrices: one linear assignment each, none depends on another. */

import type { ResolvedSpec } from "../axes/types.ts";
import { checkOptions, type OptionKinds } from "../base/options.ts";
import { createKernels } from "../kernels/kernels.ts";
import type { BuildOptions } from "../kernels/wasm.ts";
import type { Alignment } from "../perm/alignment.ts";
import { identityPermutation } from "../perm/permutation.ts";
import { checkCosts } from "./costs/check-costs.ts";
import { CHOICE, type Choice, choosePermutations } from "./costs/choose-permutations.ts";
import { groupsOf } from "./costs/problem.ts";
import { assignGroup } from "./solve/assign-group.ts";

export interface MatchCostsOptions extends Choice, BuildOptions {}

const OPTIONS: OptionKinds<MatchCostsOptions> = { ...CHOICE, simd: "boolean" };

/** What an assignment of costs found. */
export interface CostMatching {
  /** What moves B. */
  readonly alignment: Alignment;
  /** Those of `alignment`, by name, every permutation of the spec; `p[i] = j`: slot i of the aligned B is unit j of B. */
  readonly permutations: Map<string, Int32Array>;
  /** Σ of the chosen entries, per permutation that has costs. */
  readonly values: ReadonlyMap<string, number>;
}

/**
 * The permutations that maximise Σ ⟨C_P, P⟩ for the n×n row-major matrices of `costs` by name. A permutation without
 * costs follows what is nested in it, or stays in place; so does a group that `only` and `except` leave out. Ties go to
 * the lowest column: the result is the same in every runtime.
 *
 * @throws {SpecError} for a name the spec does not have.
 * @throws {RangeError} for a matrix of another size or with NaN or infinity in it.
 * @throws {TypeError} for an unknown option.
 *
 * @example
 * matchCosts(resolved, new Map([["P0", statistics.finish("correlation")]])).permutations.get("P0");
 */
export function matchCosts(
  { permutations }: Pick<ResolvedSpec, "permutations">,
  costs: ReadonlyMap<string, Float32Array>,
  options: MatchCostsOptions = {},
): CostMatching {
  checkOptions("matchCosts", options, OPTIONS);
  const matrices = checkCosts(permutations, costs);
  const orders = assignAll(permutations, matrices, options);
  const found = new Map(permutations.map(({ name }, p) => [name, orders[p]!]));
  const values = permutations.flatMap(({ name }, p): [string, number][] =>
    matrices[p] == null ? [] : [[name, chosenSum(matrices[p], orders[p]!)]],
  );
  return { alignment: { permutations: found }, permutations: found, values: new Map(values) };
}

/** The orders of all permutations, group by group, each in the memory of the one before. */
function assignAll(
  permutations: ResolvedSpec["permutations"],
  matrices: readonly (Float32Array | null)[],
  options: MatchCostsOptions,
): Int32Array[] {
  const chosen = choosePermutations(permutations, options);
  const kernels = createKernels({ simd: options.simd });
  const { arena, wasm } = kernels;
  const size = permutations.reduce((most, permutation) => Math.max(most, permutation.size), 1);
  const areas = {
    assignWork: arena.allocate(wasm.assignWork(size, size) >>> 0),
    assigned: arena.allocate(4 * size),
    rowDuals: arena.allocate(8 * size),
    columnDuals: arena.allocate(8 * size),
  };
  const orders = permutations.map((permutation) => identityPermutation(permutation.size));
  for (const group of groupsOf(permutations)) {
    const members = [group.root, ...group.nested];
    if (!chosen[group.root] || members.every((p) => matrices[p] === null)) continue;
    const mark = arena.mark();
    const pointers: number[] = [];
    for (const p of members) {
      const n = permutations[p]!.size;
      pointers[p] = arena.allocate(4 * n * n);
      const cells = kernels.f32(pointers[p]!, n * n);
      if (matrices[p] === null) cells.fill(0);
      else cells.set(matrices[p]!);
    }
    for (const [p, order] of assignGroup({ ...areas, kernels, problem: { permutations } }, group, pointers))
      orders[p] = order;
    arena.release(mark);
  }
  return orders;
}

function chosenSum(matrix: Float32Array, order: Int32Array): number {
  return order.reduce((sum, j, i) => sum + matrix[i * order.length + j]!, 0);
}
