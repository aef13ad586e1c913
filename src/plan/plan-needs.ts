/** What running a plan needs, before it is run. */

import type { Model } from "../base/model.ts";
import { tensorBytes } from "../base/tensor-bytes.ts";
import { type MatchNeeds, matchNeeds } from "../match/needs.ts";
import { pairOf } from "../perm/pair.ts";
import { type OpenPlan, specByPlan, withPlanModels } from "./align-by-plan.ts";
import { checkPlan } from "./check-plan.ts";
import type { MergePlan } from "./merge-plan.ts";
import { BY_DATA } from "./plan-fields.ts";
import type { PlanHost, PlanRun, PlanSetting } from "./plan-host.ts";

export type { MatchRates } from "../match/measure-rates.ts";
export type { MatchNeeds, MemoryNeeds } from "../match/needs.ts";

/** Needs of a plan. */
export interface PlanNeeds {
  /** Bytes to read: by matching at least, for the digests that are recorded, and by merging. */
  readonly read: { readonly matching: number; readonly digests: number; readonly merging: number };
  /** Bytes of tensors to write. */
  readonly write: number;
  /** Of two models that are matched by weights; undefined where nothing is matched, or in another way. */
  readonly matching: MatchNeeds | undefined;
  /** What is not in it, in words; undefined where everything is. */
  readonly without: string | undefined;
}

/**
 * What `runPlan` would need. Opens the models and reads their headers, and at most 32 MB of weights to see how fast
 * that is. Outputs that could not be written are refused, as in a run.
 *
 * @throws {FormatError} for a malformed plan or file.
 * @throws {SpecError} when the models do not fit each other or the spec.
 * @throws {RangeError} for outputs that cannot be written.
 *
 * @example
 * const { write, matching } = await planNeeds(plan, await planFiles());
 */
export async function planNeeds(plan: MergePlan, host: PlanHost, run: PlanRun = {}): Promise<PlanNeeds> {
  const setting: PlanSetting = { plan: checkPlan(plan), host, run };
  await host.prepare?.(setting.plan);
  return withPlanModels(setting, async (open) => {
    const matching = isMatchedByWeights(setting.plan) ? await matchingNeeds(setting, open) : undefined;
    const { blend, output = {} } = setting.plan;
    const all = open.given.reduce((sum, model) => sum + bytesOf(model), 0);
    const merges = blend !== undefined;
    const records = merges && output.path !== undefined && output.metadata !== false;
    const checked = matching !== undefined && host.checkpoint !== undefined;
    const like = open.base ?? open.bridge.models[0]!;
    const units = matching === undefined || output.permutations === undefined ? 0 : await unitsOf(setting, open);
    return {
      read: {
        matching: matching?.readBytes ?? 0,
        digests: (records ? all : 0) + (checked ? all : 0),
        merging: merges ? all : 0,
      },
      write: (merges && output.path !== undefined ? bytesOf(open.bridge.restore(like)) : 0) + 4 * units,
      matching,
      without: withoutText(setting.plan),
    };
  });
}

const bytesOf = ({ tensors }: Model): number => [...tensors.values()].reduce((sum, info) => sum + tensorBytes(info), 0);

function isMatchedByWeights({ align, base, models, starts = 1 }: MergePlan): boolean {
  const { method = "frank-wolfe", strategy } = align;
  const isOther = BY_DATA.includes(method) || method === "none" || method === "permutations" || starts > 1;
  return models.length === 2 && base === undefined && strategy === undefined && !isOther;
}

function withoutText({ align, base, models, starts = 1, repair }: MergePlan): string | undefined {
  const { method = "frank-wolfe", strategy } = align;
  if (BY_DATA.includes(method) || starts > 1) return "what matching by images takes";
  if (strategy !== undefined) return `what the alignment of ${models.length} models takes`;
  if (base !== undefined && (align.force === true || models.some((model) => model.base !== undefined)))
    return "what alignments to the base take";
  return repair === undefined ? undefined : `what repair ${repair.kind} takes`;
}

async function pairByPlan(setting: PlanSetting, { bridge }: OpenPlan) {
  const [a, b] = bridge.models as [Model, Model];
  return pairOf(a, b, bridge.fit(await specByPlan(setting, a)));
}

async function matchingNeeds(setting: PlanSetting, open: OpenPlan): Promise<MatchNeeds> {
  const { align } = setting.plan;
  const { threads, memory, simd, signal } = setting.run;
  const pair = await pairByPlan(setting, open);
  const { only, except } = align;
  const method = align.method === "coordinate" ? "coordinate" : "frank-wolfe";
  return matchNeeds(pair.a, pair.b, pair, { method, only, except, threads, memory, simd, signal });
}

async function unitsOf(setting: PlanSetting, open: OpenPlan): Promise<number> {
  const { resolved } = await pairByPlan(setting, open);
  return resolved.permutations.reduce((sum, { size }) => sum + size, 0);
}
