/** How two models are matched, from names, shapes and options alone. */

import type { ResolvedSpec } from "../axes/types.ts";
import type { BlockCode } from "./costs/block-code.ts";
import type { Choice } from "./costs/choose-permutations.ts";
import { LARGE } from "./costs/constants.ts";
import { type Outline, outlineProblem, type Solving } from "./costs/problem.ts";
import { loadLarge } from "./load-large.ts";
import { loadNested } from "./load-nested.ts";

/** The outline of a matching, with what tensors with `blocks` need in it. */
export async function outlineMatching(
  resolved: ResolvedSpec,
  choice: Choice,
  solving: Solving,
): Promise<{ readonly outline: Outline; readonly blocks?: BlockCode | null }> {
  const outline = outlineProblem(resolved, choice, await loadNested(resolved), solving);
  const isLarge = outline.tensors.some(({ elements }) => elements > LARGE);
  if (!isLarge && (outline.nested === null || outline.sides.every((side) => side * side <= LARGE))) return { outline };
  const { cutRows, blockCode: blocks } = await loadLarge();
  const cut = cutRows(outline);
  return { outline: blocks?.inBlocks(cut, solving) ?? cut, blocks };
}
