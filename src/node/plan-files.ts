/** Plans in Node, Deno and Bun: what runs them by files is loaded with the first. */

import type { PlanHost } from "../plan/plan-host.ts";
import type { PlanFilesOptions } from "./plan-host.ts";

/**
 * What `runPlan` of `rebasin/plan` reads and writes by: the paths of a plan as files, folders, URLs and models of
 * Hugging Face's cache.
 *
 * @example
 * import { parsePlan, runPlan } from "rebasin/plan";
 * import { planFiles } from "rebasin/node";
 *
 * const text = await readFile("plan.json", "utf8");
 * const { output } = await runPlan(parsePlan(text, "plan.json"), await planFiles({ force: true }));
 */
export async function planFiles(options: PlanFilesOptions = {}): Promise<PlanHost> {
  const { createPlanFiles } = await import("./plan-host.ts");
  return createPlanFiles(options);
}
