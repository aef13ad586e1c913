/** The registry of blends. Each loads when it is first used. */

import type { BlendRule, SettledBlend, TensorBlend } from "./blend.ts";
import type { Sparsify } from "./sparsify.ts";

/** The name of a blend; mergekit's where it has the blend. */
export type BlendName =
  | "linear"
  | "lerp"
  | "slerp"
  | "nuslerp"
  | "karcher"
  | "task_arithmetic"
  | "ties"
  | "dare_linear"
  | "dare_ties"
  | "breadcrumbs"
  | "breadcrumbs_ties"
  | "della_linear"
  | "della"
  | "sce"
  | "model_stock"
  | "iso_c"
  | "regmean";

const ANY = [1, Number.POSITIVE_INFINITY] as const;
const TWO = [2, 2] as const;

/** Both ends of the chances of being kept must be chances; densities of 0 and 1 draw nothing. */
function checkChances({ density = [], epsilon = [] }: SettledBlend): void {
  density.forEach((each, i) => {
    const by = epsilon[i]!;
    if (each !== 0 && each !== 1 && !(each - by > 0 && each + by < 1))
      throw new RangeError(`density ${each} ± epsilon ${by}, expected both ends between 0 and 1`);
  });
}

function checkPositive({ weights = [] }: SettledBlend): void {
  if (weights.some((weight) => weight < 0) || weights.every((weight) => weight === 0))
    throw new RangeError(`weights ${weights.join(", ")}, expected none below 0 and one above 0`);
}

function checkOneDensity({ density = [] }: SettledBlend): void {
  if (new Set(density).size > 1) throw new RangeError(`density ${density.join(", ")}, expected one for all models`);
}

/** One of the family of task arithmetic: they differ in what is kept, in the vote on signs, and in defaults. */
function ofTasks(
  summary: string,
  kind: Sparsify,
  votes: boolean,
  { normalize = false, ...own }: BlendRule["settings"] = {},
): BlendRule {
  const load = async (): Promise<TensorBlend> => (await import("./task-arithmetic.ts")).taskBlend(kind, votes);
  const defaults = { weights: 1, ...own, taskScale: 1, normalize };
  return {
    summary,
    models: ANY,
    base: "required",
    settings: defaults,
    byValue: kind === "none",
    check: own.epsilon === undefined ? undefined : checkChances,
    load,
  };
}

/** Every blend by its name. */
export const BLENDS: Readonly<Record<BlendName, BlendRule>> = {
  linear: {
    summary: "weighted mean",
    models: ANY,
    base: "none",
    byValue: true,
    settings: { weights: 1, normalize: true },
    load: async () => (await import("./linear.ts")).linear,
  },
  lerp: {
    summary: "on the line between two models",
    models: TWO,
    base: "none",
    byValue: true,
    settings: { lambda: 0.5 },
  },
  slerp: { summary: "on the arc between two whole tensors", models: TWO, base: "none", settings: { lambda: 0.5 } },
  nuslerp: {
    summary: "on the arc between two models or two differences, by weights",
    models: TWO,
    base: "optional",
    settings: { weights: 1, along: "tensor" },
    check: checkPositive,
    load: async () => (await import("./nuslerp.ts")).nuslerp,
  },
  karcher: {
    summary: "nearest direction to all models, at their mean length",
    models: ANY,
    base: "none",
    settings: { weights: 1, maxSteps: 10, tolerance: 1e-5 },
    check: checkPositive,
    load: async () => (await import("./karcher.ts")).karcher,
  },
  task_arithmetic: ofTasks("base plus the weighted sum of differences", "none", false),
  ties: ofTasks("largest differences, those of the majority's sign", "magnitude", true, {
    density: 1,
    rescale: "none",
    normalize: true,
  }),
  dare_linear: ofTasks("differences kept by chance", "random", false, { density: 1, rescale: "norm" }),
  dare_ties: ofTasks("differences kept by chance, of the majority's sign", "random", true, {
    density: 1,
    rescale: "norm",
  }),
  breadcrumbs: ofTasks("differences without the largest and the smallest", "outliers", false, {
    density: 1,
    gamma: 0.01,
    rescale: "none",
  }),
  breadcrumbs_ties: ofTasks("the same, those of the majority's sign", "outliers", true, {
    density: 1,
    gamma: 0.01,
    rescale: "none",
  }),
  della_linear: ofTasks("differences kept by chance, large ones more likely", "rank-random", false, {
    density: 1,
    epsilon: 0.15,
    rescale: "norm",
  }),
  della: ofTasks("the same, those of the majority's sign", "rank-random", true, {
    density: 1,
    epsilon: 0.15,
    rescale: "norm",
    normalize: true,
  }),
  sce: {
    summary: "where models differ most, weighted by squares, of the majority's sign",
    models: ANY,
    base: "required",
    settings: { density: 1, taskScale: 1 },
    check: checkOneDensity,
    load: async () => (await import("./sce.ts")).sce,
  },
  model_stock: {
    summary: "mean of differences, drawn to the base by their angles",
    models: [2, Number.POSITIVE_INFINITY],
    base: "required",
    settings: { along: "tensor" },
    load: async () => (await import("./model-stock.ts")).modelStock,
  },
  iso_c: {
    summary: "sum of differences with equal singular values",
    models: ANY,
    base: "required",
    matrices: true,
    settings: { weights: 1, taskScale: 1 },
    load: async () => (await import("./iso-c.ts")).isoC,
  },
  regmean: {
    summary: "least squares on what layers read; needs data",
    models: ANY,
    base: "none",
    data: true,
    matrices: true,
    settings: { weights: 1, offDiagonal: 0.9 },
    check: checkPositive,
    load: async () => (await import("./regmean.ts")).regmean,
  },
};

/** The rule of that name. Throws `RangeError` for an unknown one. */
export function blendRule(name: string): BlendRule {
  if (!Object.hasOwn(BLENDS, name))
    throw new RangeError(`blend "${name}", expected one of ${Object.keys(BLENDS).join(", ")}`);
  return BLENDS[name as BlendName];
}
