/**
 * Entry `rebasin/plan`: merges as data. A plan is plain JSON that states which models are aligned and merged, and how.
 *
 * @example
 * import { checkPlan, planText } from "rebasin/plan";
 *
 * const plan = checkPlan({
 *   format: "rebasin-plan/1",
 *   models: [{ path: "a.safetensors" }, { path: "b.safetensors" }],
 *   blend: { method: "lerp" },
 *   output: { path: "merged.safetensors" },
 * });
 * console.log(planText(plan)); // the same text for the same plan, without paths
 *
 * @module
 */

export { modelDigest } from "./base/model-digest.ts";
export {
  type AlignRun,
  type PlanAlignment,
  type PlannedPair,
  prefixOfA,
  withPlanPair,
} from "./plan/align-by-plan.ts";
export { canonicalJson, planDigest, planText } from "./plan/canonical.ts";
export { type CheckPlanOptions, checkPlan, parsePlan } from "./plan/check-plan.ts";
export { MATCHING_IMAGES, type PlanMatchReport } from "./plan/match-by-plan.ts";
export {
  type AlignMethod,
  type MergePlan,
  PLAN_FORMAT,
  type PlanAlign,
  type PlanBlend,
  type PlanData,
  type PlanModel,
  type PlanNetwork,
  type PlanOutput,
  type PlanParameters,
  type PlanPart,
  type PlanRepair,
  type PlanRule,
  type PlanSettingOf,
} from "./plan/merge-plan.ts";
export type { PlanHost, PlanRun, PlanSetting, PlanTarget, SearchState } from "./plan/plan-host.ts";
export { planMetadata } from "./plan/plan-metadata.ts";
export { type MatchNeeds, type MatchRates, type MemoryNeeds, type PlanNeeds, planNeeds } from "./plan/plan-needs.ts";
export { planInputs } from "./plan/plan-paths.ts";
export type { RecipeStep } from "./plan/recipe/recipe.ts";
export {
  LEAST_SQUARES_IMAGES,
  type PlannedRepair,
  type PlannedRepairSettings,
  plannedRepair,
  REPAIR_IMAGES,
  type RepairSource,
  repairImages,
} from "./plan/repair-by-plan.ts";
export { type PlanResult, runPlan } from "./plan/run-plan.ts";
export type { TensorSetting } from "./plan/settings.ts";
export type { KeyPath, Locate } from "./plan/shape.ts";
export { type SweepVariant, type SweptKey, sweepPlan, sweepVariants } from "./plan/sweep-plan.ts";
export type { TaskFile } from "./plan/tasks-by-plan.ts";
