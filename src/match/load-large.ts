/** Loads what large models need to be matched. */

import type { BlockCode } from "./costs/block-code.ts";
import type { Outline } from "./costs/problem.ts";

export interface LargeCode {
  cutRows(outline: Outline): Outline;
  /** Null where no permutation is nested in another. */
  readonly blockCode: BlockCode | null;
}

export async function loadLarge(): Promise<LargeCode> {
  return import("./large.ts");
}
