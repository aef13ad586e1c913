/** Assignments inside pairs of blocks whose costs are there one pair at a time. */

import { accumulateStaged, columnsOf } from "../costs/accumulate-cost.ts";
import type { Inside } from "../costs/nested-code.ts";
import type { Lookup } from "../costs/offsets.ts";
import type { PlainWorkspace } from "../costs/plain-workspace.ts";
import type { Group } from "../costs/problem.ts";
import { assignBlock, heldInside } from "./assign-group.ts";

/** See `BlockCode`. */
export async function solveBlocks(
  workspace: PlainWorkspace,
  { root, nested }: Group,
  lookup: Lookup,
  pause: () => Promise<void>,
): Promise<ReadonlyMap<number, Inside>> {
  const { permutations, sides } = workspace.problem;
  const n = permutations[root]!.size;
  const found = new Map<number, Inside>();
  for (const p of nested) {
    const { size, inner } = permutations[p]!;
    if (sides[p] === size) continue;
    const part = { p, inner, held: heldInside(workspace, p) };
    const inside: Inside = { p, values: new Float64Array(n * n), orders: new Int32Array(n * n * inner) };
    for (let h = 0; h < n; h++)
      for (let g = 0; g < n; g++) {
        await fillBlock(workspace, p, h, g, lookup, pause);
        const { order, value } = assignBlock(workspace, part, h, workspace.kept.pointers[p]!, inner);
        inside.values[h * n + g] = value;
        inside.orders.set(order, (h * n + g) * inner);
        await pause();
      }
    found.set(p, inside);
  }
  return found;
}

/** The costs of giving units of block `g` of B to slots of block `h`. */
async function fillBlock(
  workspace: PlainWorkspace,
  p: number,
  h: number,
  g: number,
  lookup: Lookup,
  pause: () => Promise<void>,
): Promise<void> {
  const { problem, kept } = workspace;
  kept.set(p, null);
  const target = { c: kept.pointers[p]!, n: problem.sides[p]! };
  for (const occurrence of problem.occurrences[p]!) {
    const { tensor } = occurrence;
    const ofA = { ...occurrence, tensor: tensor + h };
    await accumulateStaged(workspace, ofA, columnsOf(occurrence, lookup), target, { pause }, tensor + g);
  }
}
