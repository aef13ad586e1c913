/** Refuses NaN and infinity before they reach a cost matrix, where one would poison everything. */

import type { Workspace } from "./workspace.ts";

/** Throws `RangeError` naming the first voting tensor of A or B that holds NaN or infinity. */
export function checkFinite({ kernels, problem, staging }: Workspace, nameA: string, nameB: string): void {
  for (const tensor of problem.tensors) {
    for (const [name, pointer] of [
      [nameA, () => staging.stageA(tensor)],
      [nameB, () => staging.stageB(tensor)],
    ] as const) {
      const start = pointer();
      const at = kernels.wasm.nonfinite32(start, tensor.elements);
      if (at < 0) continue;
      const value = kernels.f32(start, tensor.elements)[at];
      throw new RangeError(`${name}: ${tensor.name} has ${value} at element ${at}, expected finite numbers`);
    }
  }
}
