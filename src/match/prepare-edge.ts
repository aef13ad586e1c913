/** What edge workers have in place of `prepare.ts`: they hold all of a matching in memory. */

import { areasEnd } from "./costs/areas.ts";
import { readProblem } from "./costs/problem.ts";
import { createWorkspace } from "./costs/workspace.ts";
import type { prepare as anywhere } from "./prepare.ts";

export const prepare: typeof anywhere = async ({ a, b }, kernels, outline, needs, sanitize, options) => {
  if (options.memory !== undefined)
    throw new RangeError(`memory ${options.memory}, expected no limit in an edge worker`);
  const memoryBytes = areasEnd(kernels, outline, needs);
  kernels.arena.reserve(memoryBytes);
  const problem = await readProblem(a, b, outline, options);
  return { workspace: createWorkspace(kernels, problem, needs, sanitize), memoryBytes, end: () => undefined };
};
