/** A plan run from its files to its files: opened, aligned, blended, repaired, written. */

import type { Spec } from "../axes/types.ts";
import type { Model } from "../base/model.ts";
import type { ManyReport } from "../many/align-many.ts";
import { meansWithoutVote } from "../many/align-tasks.ts";
import { mergeMany } from "../many/merge-many.ts";
import { type BlendModelsOptions, blendModels } from "../merge/blend-models.ts";
import type { BlendName } from "../merge/blends/blends.ts";
import { mergeModels } from "../merge/merge-models.ts";
import type { Permutations } from "../perm/alignment.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import type { BridgeNote } from "../perm/bridge-types.ts";
import { permutationsModel } from "../perm/permutation-file.ts";
import type { RepairReport } from "../repair/report.ts";
import {
  alignByPlan,
  type OpenPlan,
  type PlanAlignment,
  type PlannedPair,
  specByPlan,
  withPlanModels,
} from "./align-by-plan.ts";
import { checkPlan } from "./check-plan.ts";
import { gramsByPlan } from "./grams-by-plan.ts";
import type { MergePlan, PlanBlend } from "./merge-plan.ts";
import { partsByPlan } from "./parts-by-plan.ts";
import { BY_DATA } from "./plan-fields.ts";
import type { PlanHost, PlanRun, PlanSetting, PlanTarget } from "./plan-host.ts";
import { planMetadata } from "./plan-metadata.ts";
import { matchMetadata } from "./rebasin.ts";
import { type PlannedRepair, plannedRepair } from "./repair-by-plan.ts";
import { describeSettings, isUniform, settingsByPlan } from "./settings.ts";
import { plannedTasks, type TaskFile } from "./tasks-by-plan.ts";

/** What running a plan did. */
export interface PlanResult {
  /** The plan with all defaults in place. */
  readonly plan: MergePlan;
  /** How a pair was aligned; undefined for several models. */
  readonly alignment?: PlanAlignment | undefined;
  /** How models, or their own bases, were aligned to the base, one by one; undefined for those that were not. */
  readonly alignments?: readonly (PlanAlignment | undefined)[] | undefined;
  /** How several models were aligned to each other. */
  readonly many?: ManyReport | undefined;
  /** Bound to the models. */
  readonly spec: Spec;
  /** What was done to make the models fit each other. */
  readonly notes: readonly BridgeNote[];
  /** The merged model's file; undefined where nothing was merged. */
  readonly output?: Pick<PlanTarget, "path" | "format" | "formatNote"> | undefined;
  /** Of the writing, for people. */
  readonly outputNotes: readonly string[];
  readonly repair?: RepairReport | undefined;
  /** Scales and shifts of each task, written beside the merge. */
  readonly tasks?: readonly Omit<TaskFile, "model">[] | undefined;
  /** Files of permutations that were written. */
  readonly permutations: readonly string[];
  /** Whether the network has running statistics, which fit no merge. */
  readonly hasStatistics: boolean;
}

/**
 * Runs a plan: opens its models, aligns, blends and repairs them, and writes what it names. The same plan and files
 * give the same bytes, with any number of threads. Written models have the plan and a digest of each parent in their
 * metadata (`rebasin.plan`, `rebasin.parents`), unless the plan states otherwise.
 *
 * @throws {FormatError} for a malformed plan or file.
 * @throws {SpecError} when the models do not fit each other or the spec.
 * @throws {RangeError} for outputs that cannot be written, NaN, infinity, and images that do not fit.
 */
export async function runPlan(plan: MergePlan, host: PlanHost, run: PlanRun = {}): Promise<PlanResult> {
  const setting: PlanSetting = { plan: checkPlan(plan), host, run };
  checkKeeping(setting);
  await host.prepare?.(setting.plan);
  let isDone = false;
  try {
    const result = await withPlanModels(setting, (open) => runOpen(setting, open));
    isDone = true;
    return result;
  } finally {
    await host.ended?.(isDone);
  }
}

/** Throws `RangeError` where there is a checkpoint for a matching by images, which keeps nothing. */
function checkKeeping({ plan: { align, starts = 1 }, host }: PlanSetting): void {
  if (host.checkpoint === undefined) return;
  const { method = "frank-wolfe" } = align;
  const what = starts > 1 ? `${starts} starts` : `method ${method}`;
  if (starts > 1 || (BY_DATA.includes(method) && method !== "straight-through"))
    throw new RangeError(`a checkpoint does not keep ${what}, expected weights to decide (or no checkpoint)`);
}

async function runOpen(setting: PlanSetting, open: OpenPlan): Promise<PlanResult> {
  const { align, base, models } = setting.plan;
  // Before anything is read: a filter may be in no tensor's name.
  if (setting.plan.blend !== undefined)
    describeSettings(setting.plan, (open.base ?? open.bridge.models[0]!).tensors, setting.run.locate);
  if (align.strategy !== undefined) return runMany(setting, open);
  return base === undefined && models.length === 2 && !isAsItIs(setting.plan)
    ? runPair(setting, open)
    : runParts(setting, open);
}

/** Whether nothing is asked for that needs to know the network. */
const isAsItIs = ({ align, repair, output, blend }: MergePlan): boolean =>
  align.method === "none" && repair === undefined && output?.permutations === undefined && blend !== undefined;

async function targetOf({ plan, host }: PlanSetting, { bridge, base }: OpenPlan): Promise<PlanTarget | undefined> {
  if (plan.output?.path === undefined) return undefined;
  return host.target?.(plan, bridge.restore(base ?? bridge.models[0]!));
}

/** What a written model records of its making. */
async function madeBy({ plan, run }: PlanSetting, { given }: OpenPlan): Promise<Map<string, string>> {
  const isWritten = plan.output?.path !== undefined && plan.output.metadata !== false;
  return isWritten ? planMetadata(plan, given, run.signal) : new Map();
}

async function runPair(setting: PlanSetting, open: OpenPlan): Promise<PlanResult> {
  const { plan, host } = setting;
  const { bridge } = open;
  const target = await targetOf(setting, open);
  const repair = plannedRepair(setting);
  // Before matching: what a digest takes is free again when cost matrices are there.
  const made = plan.blend === undefined ? new Map<string, string>() : await madeBy(setting, open);
  const aligned = await alignByPlan(setting, bridge, { repair });
  await setting.run.onAligned?.(aligned);
  const { alignment, spec, permutations } = aligned;
  const result = { plan, alignment, spec: spec.spec, notes: alignment.notes, hasStatistics: hasStatistics(aligned.a) };
  const file = plan.output?.permutations;
  const savePermutations = async (): Promise<string[]> => {
    if (file === undefined) return [];
    await host.saveBeside?.(await permutationsModel(spec, permutations), file);
    return [file];
  };
  if (plan.blend === undefined) return { ...result, permutations: await savePermutations(), outputNotes: [] };
  const blended = await blendPair(setting, aligned, made);
  const repaired = await (await repair?.of(aligned))?.(blended, shareOfB(plan.blend));
  const merged = repaired?.model ?? blended;
  // Before anything is written: the images may not fit.
  const sides = await plannedTasks(setting)?.(merged, aligned);
  const outputNotes = (await target?.save(bridge.restore(merged))) ?? [];
  const saved = await savePermutations();
  for (const { model, file: path } of sides ?? []) await host.saveBeside?.(model, path);
  return {
    ...{ ...result, outputNotes, permutations: saved, repair: repaired?.report },
    output: target && { path: target.path, format: target.format, formatNote: target.formatNote },
    tasks: sides?.map(({ model: _, ...side }) => side),
  };
}

async function blendPair(
  setting: PlanSetting,
  aligned: PlannedPair,
  made: ReadonlyMap<string, string>,
): Promise<Model> {
  const { plan, run } = setting;
  const { a, b, spec, permutations, alignment } = aligned;
  const { method, lambda } = plan.blend!;
  const matched = alignment.matching === undefined ? [] : matchMetadata(alignment.matching);
  const metadata = new Map([...matched, ...made]);
  const { allowNonfinite } = plan;
  if ((method === "lerp" || method === "slerp") && typeof lambda === "number") {
    return mergeModels(a, b, spec, permutations, { lambda, blend: method, allowNonfinite, simd: run.simd, metadata });
  }
  const parts = [a, await applyPermutations(b, spec, permutations)];
  const grams = await gramsByPlan(setting, parts);
  return blendModels(parts, { ...blendOptions(setting, a), grams, metadata });
}

/** Models that are numbered alike, or that a base brings to one numbering. */
async function runParts(setting: PlanSetting, open: OpenPlan): Promise<PlanResult> {
  const { plan } = setting;
  const { bridge, base } = open;
  const like = base ?? bridge.models[0]!;
  const target = await targetOf(setting, open);
  // A checkpoint has room for one matching, and there may be one for each model.
  const unkept = { ...setting, host: { ...setting.host, checkpoint: undefined } };
  const { parts, alignments, spec } = await partsByPlan(unkept, open);
  const metadata = await madeBy(setting, open);
  // Without a base, none is a task vector.
  const grams = base === undefined ? await gramsByPlan(setting, parts as readonly Model[]) : undefined;
  const merged = blendModels(parts, { ...partOptions(setting, like, spec, base), grams, metadata });
  const outputNotes = (await target?.save(bridge.restore(merged))) ?? [];
  return {
    ...{ plan, spec, notes: bridge.notes, hasStatistics: hasStatistics(like), permutations: [], outputNotes },
    alignments: alignments.every((each) => each === undefined) ? undefined : alignments,
    output: target && { path: target.path, format: target.format, formatNote: target.formatNote },
  };
}

async function runMany(setting: PlanSetting, open: OpenPlan): Promise<PlanResult> {
  const { plan, host, run } = setting;
  const { bridge } = open;
  const { models, notes, fit, restore } = bridge;
  const { signal, onProgress, threads, simd } = run;
  const { strategy, method, seed, maxRounds, reference } = plan.align;
  const files = plan.output?.permutations === undefined ? [] : await host.manyPermutations!(plan);
  const target = await targetOf(setting, open);
  const spec = fit(await specByPlan(setting, models[0]!));
  const metadata = await madeBy(setting, open);
  const { blend, settings } = isMean(plan) ? {} : blendOptions(setting, models[0]!);
  const found = await mergeMany(models, spec, {
    ...{ strategy, seed, maxRounds, reference, threads, simd, signal, onProgress, metadata, blend, settings },
    method: method as "frank-wolfe" | "coordinate" | undefined,
  });
  const result = { plan, many: found.report, spec, notes, hasStatistics: hasStatistics(models[0]!) };
  const repaired = await repairMean(plannedRepair(setting), found.model, models, spec, found.permutations);
  const outputNotes = (await target?.save(restore(repaired?.model ?? found.model))) ?? [];
  for (const [i, file] of files.entries())
    await host.saveBeside?.(await permutationsModel(spec, found.permutations[i]!), file);
  return {
    ...{ ...result, outputNotes, permutations: files, repair: repaired?.report },
    output: target && { path: target.path, format: target.format, formatNote: target.formatNote },
  };
}

/**
 * How parts are blended: running statistics beside a base are averaged, as differences could make a variance negative.
 */
export function partOptions(
  setting: PlanSetting,
  like: Model,
  spec: Spec,
  base: Model | undefined,
): BlendModelsOptions & { blend: BlendName } {
  const options = blendOptions(setting, like);
  if (base === undefined) return options;
  return { ...options, base, settings: meansWithoutVote(spec, base, options.settings ?? {}) };
}

/** The blend of tensors with the names of `like`, and its settings. */
export function blendOptions({ plan, run }: PlanSetting, like: Model): BlendModelsOptions & { blend: BlendName } {
  const { method, seed } = plan.blend!;
  const settings = settingsByPlan(plan, like.tensors.keys(), run.locate);
  return {
    ...{ blend: method, seed, allowNonfinite: plan.allowNonfinite, simd: run.simd },
    settings: isUniform(plan) ? settings("") : settings,
  };
}

/** Whether a plan states nothing but the mean, which is what several models become by default. */
function isMean({ blend, models }: MergePlan): boolean {
  const { method, ...settings } = blend ?? { method: "linear" };
  return method === "linear" && Object.keys(settings).length === 0 && models.every((each) => !each.parameters);
}

/** For repairs, which hold to the parents as the merge does. */
export function shareOfB({ lambda, weights }: PlanBlend): number {
  if (typeof lambda === "number") return lambda;
  return weights === undefined ? 0.5 : weights[1]! / (weights[0]! + weights[1]!);
}

/** Repairs the mean by the models that it is the mean of. */
async function repairMean(
  repair: PlannedRepair | undefined,
  mean: Model,
  models: readonly Model[],
  spec: Spec,
  permutations: readonly Permutations[],
) {
  if (repair === undefined) return undefined;
  const aligned = await Promise.all(models.map((model, i) => applyPermutations(model, spec, permutations[i]!)));
  return repair.ofMean(mean, aligned);
}

const hasStatistics = ({ tensors }: Model): boolean =>
  [...tensors.keys()].some((name) => /[._/](running|moving)_var/.test(name));
