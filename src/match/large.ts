/** What only large models need: loaded with the first of them. */

import type { BlockCode } from "./costs/block-code.ts";
import { accumulateBlocks, dotBlocks, inBlocks } from "./costs/blocks.ts";
import { solveBlocks } from "./solve/solve-blocks.ts";

export { cutRows } from "./costs/cut-rows.ts";

export const blockCode: BlockCode = { inBlocks, dotBlocks, accumulateBlocks, solveBlocks };
