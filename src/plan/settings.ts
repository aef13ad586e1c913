/** Settings of a plan's blend for each tensor: values, gradients over blocks, and rules by parts of names. */

import { isFloat } from "../base/dtype.ts";
import { FormatError } from "../base/errors.ts";
import type { TensorInfo } from "../base/model.ts";
import type { BlendSettings, SettledBlend } from "../merge/blends/blend.ts";
import { BLENDS } from "../merge/blends/blends.ts";
import { settleBlend } from "../merge/blends/settle.ts";
import { type BlockPlaces, blocksOf } from "./blocks.ts";
import type { MergePlan, PlanParameters, PlanRule, PlanSettingOf } from "./merge-plan.ts";
import { fault, type KeyPath, keyText, type Locate } from "./shape.ts";

/** A setting where the plan has it: messages name the place. */
interface Placed<T> {
  readonly setting: PlanSettingOf<T>;
  readonly path: KeyPath;
}

/** Settings by which a model can differ from others, and what the registry calls the list of them. */
const LISTS = [
  ["weight", "weights"],
  ["density", "density"],
  ["gamma", "gamma"],
  ["epsilon", "epsilon"],
] as const satisfies readonly (readonly [keyof PlanParameters, keyof BlendSettings])[];

const COMMON = [
  "lambda",
  "taskScale",
  "normalize",
  "rescale",
  "along",
  "maxSteps",
  "tolerance",
  "offDiagonal",
] as const;

/** True where all tensors have the same settings. */
export function isUniform({ blend, models }: MergePlan): boolean {
  const own = models.flatMap(({ parameters = {} }) => Object.values(parameters));
  const { weights: _, ...common } = blend ?? {};
  return [...own, ...Object.values(common)].every((setting) => !Array.isArray(setting));
}

/**
 * The settings of each of `tensors`. A model's own parameter counts before that of the blend, which is for models
 * without one; of rules the first that fits counts.
 *
 * @throws {FormatError} for a filter that is in no tensor's name, and for rules of which none fits a tensor.
 */
export function settingsByPlan(
  plan: MergePlan,
  tensors: Iterable<string>,
  locate: Locate = keyText,
): (tensor: string) => BlendSettings {
  const names = [...tensors];
  const blocks = blocksOf(names);
  const { blend, models } = plan;
  const method = blend!.method;
  const has = (key: keyof BlendSettings): boolean => Object.hasOwn(BLENDS[method].settings, key);
  const placed = <T>(setting: PlanSettingOf<T> | undefined, path: KeyPath): Placed<T> | undefined => {
    if (setting === undefined) return undefined;
    checkFilters(setting, names, locate, path);
    return { setting, path };
  };
  const common = COMMON.map((key) => [key, placed<unknown>(blend![key], ["blend", key])] as const);
  const lists = LISTS.map(([key, listed]) => {
    const ofAll = placed(blend![key], ["blend", key]);
    const own = models.map(({ parameters }, i) => placed(parameters?.[key], ["models", i, "parameters", key]));
    const stray = [...own, ofAll].find((each) => each !== undefined);
    if (stray !== undefined && !has(listed))
      throw fault(locate(stray.path), `is not for blend ${method}`, `no ${key} with it`);
    return [listed, own.map((each) => [each, ofAll].filter((level) => level !== undefined)), stray] as const;
  });
  return (tensor) => {
    const found: Record<string, unknown> = {};
    if (blend!.weights !== undefined) found.weights = blend!.weights;
    const value = (key: keyof BlendSettings, levels: readonly Placed<unknown>[]): unknown =>
      valueFor(levels, tensor, blocks, NEEDED.includes(key) ? undefined : BLENDS[method].settings[key], locate);
    for (const [key, own] of common) if (own !== undefined) found[key] = value(key, [own]);
    for (const [key, own, stray] of lists) {
      if (stray === undefined) continue;
      found[key] = own.map((levels) => (levels.length === 0 ? BLENDS[method].settings[key] : value(key, levels)));
    }
    return found as BlendSettings;
  };
}

/** Settings that a tensor must not miss where there are rules for some: a default would be a surprise. */
const NEEDED: readonly string[] = ["lambda", "weights"];

/** The value for a tensor: of the first level that has a rule for it, else the default. */
function valueFor(
  levels: readonly Placed<unknown>[],
  tensor: string,
  blocks: BlockPlaces,
  byDefault: unknown,
  locate: Locate,
): unknown {
  for (const { setting } of levels) {
    if (!isRules(setting)) return along(setting, blocks.place(tensor));
    const rule = setting.find(({ filter }) => fits(filter, tensor));
    if (rule !== undefined) return along(rule.value, blocks.place(tensor));
  }
  if (byDefault !== undefined) return byDefault;
  throw fault(locate(levels[0]!.path), `has no rule for ${tensor}`, "a last rule without filter, for all others");
}

const fits = (filter: string | undefined, tensor: string): boolean =>
  filter === undefined || filter === "*" || tensor.includes(filter);

function isRules<T>(setting: PlanSettingOf<T>): setting is readonly PlanRule<T>[] {
  return Array.isArray(setting) && typeof setting[0] === "object";
}

/** A value, or that of a gradient at `place`: numbers are joined by lines, others hold until the next. */
export function along<T>(value: T | readonly T[], place: number): T {
  if (!Array.isArray(value)) return value as T;
  const at = place * (value.length - 1);
  const [before, share] = [Math.floor(at), at - Math.floor(at)];
  const [one, other] = [value[before], value[Math.min(before + 1, value.length - 1)]];
  if (typeof one !== "number" || share === 0) return one;
  return ((1 - share) * one + share * other) as T;
}

/** What one tensor is blended by. */
export interface TensorSetting {
  readonly tensor: string;
  readonly settings: SettledBlend;
}

/**
 * What each float tensor is blended by, with defaults in place: from names alone, before any weight is read.
 *
 * @throws {FormatError} as `settingsByPlan` does.
 * @throws {RangeError} naming the tensor, for settings out of range together.
 */
export function describeSettings(
  plan: MergePlan,
  tensors: ReadonlyMap<string, TensorInfo>,
  locate: Locate = keyText,
): TensorSetting[] {
  const { method } = plan.blend!;
  const of = settingsByPlan(plan, tensors.keys(), locate);
  const floats = [...tensors].filter(([, { dtype }]) => isFloat(dtype));
  return floats.map(([tensor]) => {
    try {
      return { tensor, settings: settleBlend(method, plan.models.length, of(tensor)) };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new FormatError(`${locate(["blend"])} of ${tensor}: ${error.message}`, { cause: error });
    }
  });
}

function checkFilters<T>(setting: PlanSettingOf<T>, names: readonly string[], locate: Locate, path: KeyPath): void {
  if (!isRules(setting)) return;
  for (const [i, { filter }] of setting.entries()) {
    if (names.some((name) => fits(filter, name))) continue;
    throw fault(locate([...path, i, "filter"]), `is "${filter}"`, `part of a tensor's name, such as ${names[0]}`);
  }
}
