/** Settings of a plan's blend for each tensor: values, gradients over blocks, and rules by parts of names. */

import type { BlendSettings } from "../merge/blends/blend.ts";
import { BLENDS } from "../merge/blends/blends.ts";
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
    const own = models.map(({ parameters }, i) => placed(parameters?.[key], ["models", i, "parameters", key]) ?? ofAll);
    const stray = own.find((each) => each !== undefined);
    if (stray !== undefined && !has(listed))
      throw fault(locate(stray.path), `is not for blend ${method}`, `no ${key} with it`);
    return [listed, own] as const;
  });
  return (tensor) => {
    const found: Record<string, unknown> = {};
    if (blend!.weights !== undefined) found.weights = blend!.weights;
    for (const [key, own] of common) if (own !== undefined) found[key] = valueFor(own, tensor, blocks, locate);
    for (const [key, own] of lists) {
      if (own.every((each) => each === undefined)) continue;
      const byDefault = BLENDS[method].settings[key];
      found[key] = own.map((each) => (each === undefined ? byDefault : valueFor(each, tensor, blocks, locate)));
    }
    return found as BlendSettings;
  };
}

/** The value of a setting for a tensor. */
function valueFor<T>({ setting, path }: Placed<T>, tensor: string, blocks: BlockPlaces, locate: Locate): T {
  if (!isRules(setting)) return along(setting, blocks.place(tensor));
  const rule = setting.find(({ filter }) => fits(filter, tensor));
  if (rule === undefined)
    throw fault(locate(path), `has no rule for ${tensor}`, "a last rule without filter, for all others");
  return along(rule.value, blocks.place(tensor));
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

function checkFilters<T>(setting: PlanSettingOf<T>, names: readonly string[], locate: Locate, path: KeyPath): void {
  if (!isRules(setting)) return;
  for (const [i, { filter }] of setting.entries()) {
    if (names.some((name) => fits(filter, name))) continue;
    throw fault(locate([...path, i, "filter"]), `is "${filter}"`, `part of a tensor's name, such as ${names[0]}`);
  }
}
