/** Sweeps: one alignment, blended with many settings. */

import type { Model } from "../base/model.ts";
import { alignMany } from "../many/align-many.ts";
import { type BlendModelsOptions, blendModels } from "../merge/blend-models.ts";
import type { TaskVector } from "../merge/task-vector.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import { alignByPlan, type OpenPlan, type PlannedPair, specByPlan, withPlanModels } from "./align-by-plan.ts";
import { canonicalJson } from "./canonical.ts";
import { checkPlan } from "./check-plan.ts";
import { gramsByPlan } from "./grams-by-plan.ts";
import type { MergePlan } from "./merge-plan.ts";
import { partsByPlan } from "./parts-by-plan.ts";
import type { PlanSetting } from "./plan-host.ts";
import { plannedRepair } from "./repair-by-plan.ts";
import { blendOptions, partOptions, shareOfB } from "./run-plan.ts";
import { describeSettings } from "./settings.ts";
import { fault } from "./shape.ts";

/** Values of one key of a plan. */
export interface SweptKey {
  /** `blend.density`, `models.1.parameters.weight` */
  readonly key: string;
  readonly values: readonly (string | number | boolean)[];
}

/** One combination of values. */
export interface SweepVariant {
  /** From the key to its value. */
  readonly values: Readonly<Record<string, string | number | boolean>>;
  readonly plan: MergePlan;
}

/** Keys that the alignment does not depend on. */
const SWEPT = /^(?:blend|repair|models\.\d+\.parameters)\./;

/**
 * Every combination of the values in a plan: the last key varies fastest.
 *
 * @throws {FormatError} naming the key, for one that the alignment depends on, and for values that the plan cannot
 * have.
 *
 * @example
 * sweepVariants(plan, [{ key: "blend.lambda", values: [0.25, 0.5, 0.75] }]).map(({ plan }) => plan.blend?.lambda);
 */
export function sweepVariants(plan: MergePlan, keys: readonly SweptKey[]): SweepVariant[] {
  let variants: SweepVariant[] = [{ values: {}, plan }];
  for (const { key, values } of keys) {
    if (!SWEPT.test(key))
      throw fault(`--set ${key}`, "is not swept", "a key of blend, of repair, or of models.N.parameters");
    variants = variants.flatMap((variant) =>
      values.map((value) => ({
        values: { ...variant.values, [key]: value },
        plan: checkPlan(withValue(variant.plan, key.split("."), value), { name: "--set" }),
      })),
    );
  }
  return variants;
}

/** A copy with another value at the end of a path; objects on the way are made. */
function withValue(given: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  if (Array.isArray(given)) return given.map((each, i) => (String(i) === key ? withValue(each, rest, value) : each));
  const object = (given ?? {}) as Readonly<Record<string, unknown>>;
  return { ...object, [key]: withValue(object[key], rest, value) };
}

/**
 * Opens and aligns the models of a plan once, and gives `use` the merge of each variant, one after another: a lazy
 * model.
 *
 * @throws {FormatError} for settings that do not fit a tensor, before anything is aligned; else as `runPlan` does.
 */
export async function sweepPlan(
  setting: PlanSetting,
  variants: readonly SweepVariant[],
  use: (merged: Model, variant: SweepVariant) => Promise<void>,
): Promise<void> {
  const common = (plan: MergePlan): string => canonicalJson({ ...plan, blend: 0, repair: 0, output: 0, models: 0 });
  if (variants.some(({ plan }) => common(plan) !== common(setting.plan)))
    throw new RangeError("variants differ in more than blend, repair and parameters, expected one alignment for all");
  const { plan } = setting;
  await withPlanModels(setting, async (open) => {
    const like = open.base ?? open.bridge.models[0]!;
    for (const { plan } of variants) describeSettings(plan, like.tensors, setting.run.locate);
    const aligned = await alignOnce(setting, open);
    const byData = plan.base === undefined && variants.find((each) => each.plan.blend?.method === "regmean");
    const grams = byData && (await gramsByPlan({ ...setting, plan: byData.plan }, aligned.parts as readonly Model[]));
    for (const variant of variants) {
      const own = { ...setting, plan: variant.plan };
      const merged = blendModels(aligned.parts, { ...aligned.optionsFor(own), grams: grams || undefined });
      await use(await repaired(own, merged, aligned), variant);
    }
  });
}

/** What variants have in common. */
interface AlignedOnce {
  readonly parts: readonly (Model | TaskVector)[];
  /** Blend and settings of a variant. */
  optionsFor(setting: PlanSetting): BlendModelsOptions;
  /** Of two models that are aligned to each other. */
  readonly pair?: PlannedPair | undefined;
}

async function alignOnce(setting: PlanSetting, open: OpenPlan): Promise<AlignedOnce> {
  const { plan, run } = setting;
  const { bridge, base } = open;
  const like = base ?? bridge.models[0]!;
  const optionsFor = (own: PlanSetting): BlendModelsOptions => blendOptions(own, like);
  const { strategy, method, seed, maxRounds, reference } = plan.align;
  if (strategy !== undefined) {
    const spec = bridge.fit(await specByPlan(setting, bridge.models[0]!));
    const { threads, signal, onProgress, simd } = run;
    const { models } = await alignMany(bridge.models, spec, {
      ...{ strategy, seed, maxRounds, reference, threads, signal, onProgress, simd },
      method: method as "frank-wolfe" | "coordinate" | undefined,
    });
    return { parts: models, optionsFor };
  }
  if (base !== undefined || method === "none" || bridge.models.length !== 2) {
    const { parts, spec } = await partsByPlan(setting, open);
    return { parts, optionsFor: (own) => partOptions(own, like, spec, base) };
  }
  const pair = await alignByPlan(setting, bridge, { repair: plannedRepair(setting) });
  return { pair, optionsFor, parts: [pair.a, await applyPermutations(pair.b, pair.spec, pair.permutations)] };
}

async function repaired(setting: PlanSetting, merged: Model, { parts, pair }: AlignedOnce): Promise<Model> {
  const repair = plannedRepair(setting);
  if (repair === undefined) return merged;
  if (pair === undefined) return (await repair.ofMean(merged, parts as readonly Model[])).model;
  return (await (await repair.of(pair))(merged, shareOfB(setting.plan.blend!))).model;
}
