/**
 * Whether products of two models fit f32: those that do are matched as they are, all others are brought into range
 * first.
 */

import { loadScaleRange } from "./load-scale-range.ts";
import type { InRange, Workspace } from "./workspace.ts";

/**
 * Greatest |a|·|b| between which nothing has to be checked. Below, products of lesser weights may be lost. Above, one
 * weight may be so far from the others that their products are lost.
 */
const [LEAST, GREATEST] = [2 ** -30, 2 ** 20];

/**
 * The same workspace where all products fit; else one that stages both models times powers of two, which changes
 * nothing but the range. Throws `RangeError` naming the first voting tensor that holds NaN or infinity (unless
 * `allowNonfinite`), or the tensor that is too far from the others.
 */
export async function bringIntoRange(
  workspace: Workspace,
  names: readonly [a: string, b: string],
  allowNonfinite: boolean,
): Promise<InRange> {
  const { wasm } = workspace.kernels;
  let [a, b] = [0, 0];
  for (const [t, { dtype, elements }] of workspace.problem.tensors.entries()) {
    // f64 may be beyond what is staged of it.
    const most = dtype === "F64" ? Number.NaN : 0;
    const staged = await workspace.staging.stage(t);
    a = Math.max(a, most, wasm.largest32(staged.a, elements));
    b = Math.max(b, wasm.largest32(staged.b, elements));
  }
  if (a * b >= LEAST && a * b <= GREATEST) return { workspace, unit: 1 };
  const scaleIntoRange = await loadScaleRange();
  return scaleIntoRange(workspace, names, allowNonfinite);
}
