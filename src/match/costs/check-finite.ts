/** Refuses NaN and infinity before they reach a cost matrix, where one would poison everything. */

import { requireFinite } from "../../kernels/finite.ts";
import type { Workspace } from "./workspace.ts";

/** Throws `RangeError` naming the first voting tensor of A or B that holds NaN or infinity. */
export function checkFinite({ kernels, problem, staging }: Workspace, nameA: string, nameB: string): void {
  for (const tensor of problem.tensors) {
    requireFinite(kernels, staging.stageA(tensor), tensor.elements, `${nameA}: ${tensor.name}`);
    requireFinite(kernels, staging.stageB(tensor), tensor.elements, `${nameB}: ${tensor.name}`);
  }
}
