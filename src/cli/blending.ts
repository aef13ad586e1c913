/** How aligned models become one: options of `merge` and `many`, and what a plan has for them. */

import type { BlendRule, BlendSettings, Rescale } from "../merge/blends/blend.ts";
import { BLENDS, type BlendName } from "../merge/blends/blends.ts";
import type { MergePlan, PlanAlign, PlanBlend, PlanPart } from "../plan/merge-plan.ts";
import { choice, inGroup, list, number, numbers, type Options, type OtherOptions, text, UsageError } from "./option.ts";

export interface BlendValues {
  readonly blend: BlendName;
  readonly weights: readonly number[] | undefined;
  readonly base: string | undefined;
  readonly bases: readonly string[] | undefined;
  readonly align: "bases" | "force" | "none";
  readonly density: readonly number[] | undefined;
  readonly gamma: readonly number[] | undefined;
  readonly epsilon: readonly number[] | undefined;
  readonly "task-scale": number | undefined;
  readonly rescale: Rescale | undefined;
}

const NAMES = Object.keys(BLENDS) as BlendName[];

/** The blends that have a setting. */
export const blendsWith = (setting: keyof BlendSettings): BlendName[] =>
  NAMES.filter((name) => Object.hasOwn(BLENDS[name].settings, setting));

const forSetting = (setting: keyof BlendSettings) => ({ for: { blend: blendsWith(setting) } });
const LIST = "one for all models, or one for each";

/** What is kept of the differences from a base, and how much they count. */
const SETTING_OPTIONS: Options<Pick<BlendValues, "density" | "gamma" | "epsilon" | "task-scale" | "rescale">> = {
  density: numbers({ value: "X", help: "share of differences that is kept", ...forSetting("density") }, LIST),
  gamma: numbers({ value: "X", help: "share of the largest that is dropped", ...forSetting("gamma") }, LIST),
  epsilon: numbers({ value: "X", help: "differences are kept with density ± X", ...forSetting("epsilon") }, LIST),
  "task-scale": number({
    value: "X",
    help: "factor of the merged differences; mergekit's lambda",
    min: -1e6,
    max: 1e6,
    ...forSetting("taskScale"),
  }),
  rescale: choice(["none", "norm", "density"], {
    value: "HOW",
    help: "what makes up for dropped differences: nothing, their sum of sizes, or a division by the density",
    ...forSetting("rescale"),
  }),
};

/** Without options that no blend of the command needs. */
const needed = (options: Readonly<Record<string, readonly BlendName[]>>): OtherOptions =>
  Object.fromEntries(Object.entries(options).filter(([, blends]) => blends.length > 0));

/** Options of a command that blends by `byDefault`; for several models, not those of two alone. */
export function blendOptions(byDefault: "lerp" | "linear"): Options<BlendValues> {
  const ofSeveral = ({ settings, data }: BlendRule): boolean => !Object.hasOwn(settings, "lambda") && data !== true;
  const names = byDefault === "lerp" ? NAMES : NAMES.filter((name) => ofSeveral(BLENDS[name]));
  return inGroup("blending", {
    blend: choice(names, {
      value: "BLEND",
      help: "how aligned models become one; docs/fine-tunes.md has what each does",
      default: byDefault,
      needs: needed({
        base: names.filter((name) => BLENDS[name].base === "required"),
        data: names.filter((name) => BLENDS[name].data === true),
      }),
    }),
    weights: numbers({ value: "W,W", help: "weight of each model", ...forSetting("weights") }, "one for each model"),
    base: text({
      value: "MODEL",
      help: "what the models were fine-tuned from: differences from it are blended, and LoRA adapters added to it",
      for: { blend: names.filter((name) => BLENDS[name].base !== "none") },
    }),
    bases: list({
      value: "MODELS",
      help: "what each model was fine-tuned from, by commas; base means that of --base. Differences from another are moved by its alignment",
      for: { base: true },
    }),
    align: choice(["bases", "force", "none"], {
      value: "WHAT",
      help: "beside a base, align: other bases; fine-tunes of the base, too; nothing",
      default: "bases",
      for: { base: true },
    }),
    ...SETTING_OPTIONS,
  });
}

/** What the options give a plan: the blend, the base, and each model's own settings. */
export interface BlendWords {
  readonly blend: PlanBlend;
  readonly base: MergePlan["base"];
  readonly parts: readonly Pick<PlanPart, "base" | "parameters">[];
}

/** For `count` models. `lambda` and `seed` count where the blend has a use for them. */
export function blendOf(options: BlendValues & { seed: number; lambda?: number }, count: number): BlendWords {
  const { blend: method, weights, base, bases, rescale, "task-scale": taskScale, seed, lambda } = options;
  const lists = ["density", "gamma", "epsilon"] as const;
  for (const key of ["weights", "bases", ...lists] as const) checkCount(key, options[key], count);
  const isSingle = (values: readonly number[] | undefined): values is readonly number[] => values?.length === 1;
  const common = Object.fromEntries(lists.map((key) => [key, isSingle(options[key]) ? options[key][0] : undefined]));
  const own = (i: number, key: (typeof lists)[number]): number | undefined =>
    isSingle(options[key]) ? undefined : options[key]?.[i];
  const isRandom = method.startsWith("dare") || method.startsWith("della");
  return {
    blend: {
      ...{ method, weights: isSingle(weights) && count > 1 ? Array<number>(count).fill(weights[0]!) : weights },
      ...{ ...common, taskScale, rescale, seed: isRandom && seed > 0 ? seed : undefined },
      lambda: Object.hasOwn(BLENDS[method].settings, "lambda") ? lambda : undefined,
    },
    base: base === undefined ? undefined : { path: base },
    parts: Array.from({ length: count }, (_, i) => {
      const parameters = { density: own(i, "density"), gamma: own(i, "gamma"), epsilon: own(i, "epsilon") };
      const path = bases?.[i];
      return {
        base: path === undefined || path === "base" ? undefined : { path },
        parameters: Object.values(parameters).every((value) => value === undefined) ? undefined : parameters,
      };
    }),
  };
}

function checkCount(key: string, values: readonly unknown[] | undefined, count: number): void {
  const fits = values === undefined || values.length === count || (key !== "bases" && values.length === 1);
  if (!fits) throw new UsageError(`--${key} has ${values.length} entries, expected ${count}: one for each model`);
}

/** How models beside a base are aligned. */
export function alignBeside({ align }: BlendValues, matching: PlanAlign): PlanAlign {
  if (align === "none") return { method: "none", seed: matching.seed };
  return { ...matching, force: align === "force" ? true : undefined };
}
