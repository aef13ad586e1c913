/** What matches large nested permutations block by block, loaded when a spec has any: `match/large.ts` has it. */

import type { MatrixPlaces } from "./matrices.ts";
import type { Inside } from "./nested-code.ts";
import type { Lookup, Slots } from "./offsets.ts";
import type { PlainWorkspace } from "./plain-workspace.ts";
import type { Group, Occurrence, Outline, Solving, VotingCell } from "./problem.ts";

/** Slots of one dimension of a cell, by its position. */
export interface SlotsOfDim extends Pick<Slots, "slots"> {
  readonly dim: number;
}

export interface BlockCode {
  /** The same outline; of matrices of nested permutations that are large, there is one block at a time. */
  inBlocks(outline: Outline, solving: Pick<Solving, "jointly" | "terms">): Outline;
  /** By permutation of the group whose matrix is there in blocks: what gives the most inside each pair of them. */
  solveBlocks(
    workspace: PlainWorkspace,
    group: Group,
    lookup: Lookup,
    pause: () => Promise<void>,
  ): Promise<ReadonlyMap<number, Inside>>;
  /** `cellDot` of a tensor with `blocks`. */
  dotBlocks(
    workspace: PlainWorkspace,
    tensor: number,
    cell: VotingCell,
    lookup: Lookup,
    part: SlotsOfDim | undefined,
  ): Promise<number>;
  /** `accumulateCost` of an occurrence in a tensor with `blocks`, of another permutation than theirs. */
  accumulateBlocks(
    workspace: PlainWorkspace,
    permutation: number,
    occurrence: Occurrence,
    lookup: Lookup,
    matrices: MatrixPlaces,
    options: { readonly pause: () => Promise<void>; readonly scale?: number | undefined },
  ): Promise<void>;
}
