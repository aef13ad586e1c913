/** Plans in Node, Deno and Bun: what runs them by files is loaded with the first. */

import type { PlanHost } from "../plan/plan-host.ts";
import type { PlanFilesOptions } from "./plan-host.ts";

/**
 * What `runPlan` of `rebasin/plan` reads and writes by: the paths of a plan as files, folders, URLs and models of
 * Hugging Face's cache.
 *
 * @example
 * const plan = checkPlan({
 *   format: "rebasin-plan/1",
 *   models: [{ path: "a.safetensors" }, { path: "b.safetensors" }],
 *   blend: { method: "lerp" },
 *   output: { path: "by-plan.safetensors" },
 * });
 * const { output } = await runPlan(plan, await planFiles({ force: true }));
 */
export async function planFiles(options: PlanFilesOptions = {}): Promise<PlanHost> {
  const { createPlanFiles } = await import("./plan-host.ts");
  return createPlanFiles(options);
}
