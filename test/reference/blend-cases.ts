/** Random small cases of every blend, and what its reference gives: for the suite, and by the thousand for `npm run stress`. */

import { memoryModel } from "../../src/base/memory-model.ts";
import type { Model } from "../../src/base/model.ts";
import { createRng, type Rng } from "../../src/base/rng.ts";
import { type BlendModelsOptions, blendModels } from "../../src/merge/blend-models.ts";
import type { BlendSettings, SettledBlend } from "../../src/merge/blends/blend.ts";
import { BLENDS, type BlendName } from "../../src/merge/blends/blends.ts";
import { settleBlend } from "../../src/merge/blends/settle.ts";
import { rngOf } from "../../src/merge/parts.ts";
import {
  isoReference,
  karcherReference,
  linearReference,
  modelStockReference,
  nuslerpReference,
  positions,
  regmeanReference,
  sceReference,
  slerpReference,
  type TaskCase,
  taskReference,
  type Values,
} from "./blends.ts";
import { gaussian } from "./random.ts";

export interface BlendCase {
  readonly blend: BlendName;
  readonly dtype: "F32" | "F64";
  readonly shape: readonly number[];
  readonly models: readonly Values[];
  readonly base: Values | undefined;
  readonly grams: readonly Values[];
  readonly settings: SettledBlend;
  readonly seed: number;
}

const NAME = "part.weight";
const SHAPES: readonly (readonly number[])[] = [
  [5, 7],
  [9, 4],
  [12],
  [3, 2, 2],
  [1, 6],
  [6, 1],
  [],
  [2, 3, 2, 2],
  [30],
];

/** A model of one tensor. */
export function modelOf(values: Values, shape: readonly number[], dtype: "F32" | "F64" = "F64", name = "model"): Model {
  const { buffer } = dtype === "F32" ? Float32Array.from(values) : Float64Array.from(values);
  return memoryModel(new Map([[NAME, { dtype, shape, data: new Uint8Array(buffer) }]]), { name });
}

/** The values of that tensor. */
export async function valuesOf(model: Model): Promise<number[]> {
  const { buffer } = (await model.read(NAME)).slice();
  return [...(model.tensors.get(NAME)!.dtype === "F32" ? new Float32Array(buffer) : new Float64Array(buffer))];
}

/** A blend of models of one tensor. */
export async function blended(
  blend: BlendName,
  models: readonly Values[],
  options: { base?: Values; settings?: BlendSettings; shape?: number[]; grams?: BlendModelsOptions["grams"] } = {},
): Promise<number[]> {
  const { base, settings, shape = [models[0]!.length], grams } = options;
  const all = models.map((values) => modelOf(values, shape));
  return valuesOf(blendModels(all, { blend, settings, base: base && modelOf(base, shape), grams }));
}

/** A random case of `blend`. */
export function drawCase(blend: BlendName, rng: Rng): BlendCase {
  const shape = SHAPES[rng.below(SHAPES.length)]!;
  const elements = shape.reduce((all, size) => all * size, 1);
  const dtype = rng.below(2) === 0 ? "F32" : "F64";
  const {
    models: [least, most],
    base: needs,
  } = BLENDS[blend];
  const count = Math.min(most, least + rng.below(4));
  const draw = (): number[] => {
    const values = Array.from({ length: elements }, () => gaussian(rng));
    return dtype === "F32" ? [...Float32Array.from(values)] : values;
  };
  const base = needs === "required" || (needs === "optional" && rng.below(2) === 0) ? draw() : undefined;
  const settings = settleBlend(blend, count, drawSettings(blend, count, rng));
  const n = elements / (shape[0] ?? 1);
  const models = Array.from({ length: count }, draw);
  return {
    blend,
    dtype,
    shape,
    models,
    base,
    grams: models.map(() => drawGram(n, rng)),
    settings,
    seed: rng.below(1000),
  };
}

function drawSettings(blend: BlendName, count: number, rng: Rng): BlendSettings {
  const each = (draw: () => number): number[] => Array.from({ length: count }, draw);
  const isPositive = ["nuslerp", "karcher", "regmean", "linear"].includes(blend);
  const one = rng.below(4) === 0 ? 1 : 0.25 + 0.5 * rng.uniform();
  const drawn: { [K in keyof BlendSettings]: BlendSettings[K] } = {
    lambda: rng.uniform(),
    weights: each(() => (isPositive ? 0.2 : -0.5) + 2 * rng.uniform()),
    density: blend === "sce" ? one : each(() => (rng.below(5) === 0 ? rng.below(2) : 0.25 + 0.5 * rng.uniform())),
    gamma: each(() => 0.4 * rng.uniform()),
    epsilon: each(() => 0.2 * rng.uniform()),
    taskScale: 2 * rng.uniform(),
    normalize: rng.below(2) === 0,
    rescale: (["none", "norm", "density"] as const)[rng.below(3)]!,
    along: (["tensor", "first", "last"] as const)[rng.below(3)]!,
    maxSteps: 1 + rng.below(20),
    tolerance: rng.below(2) === 0 ? 0 : 1e-6,
    offDiagonal: rng.uniform(),
  };
  return Object.fromEntries(Object.entries(drawn).filter(([key]) => Object.hasOwn(BLENDS[blend].settings, key)));
}

/** Of twice as many rows as columns. */
function drawGram(n: number, rng: Rng): number[] {
  const rows = Array.from({ length: 2 * n }, () => Array.from({ length: n }, () => gaussian(rng)));
  return Array.from({ length: n * n }, (_, e) =>
    rows.reduce((all, row) => all + row[Math.floor(e / n)]! * row[e % n]!, 0),
  );
}

/** What the library makes of the case. */
export async function blendOf({
  blend,
  models,
  base,
  shape,
  dtype,
  grams,
  settings,
  seed,
}: BlendCase): Promise<number[]> {
  const options = { blend, settings, seed, base: base && modelOf(base, shape, dtype) };
  const ofGrams = async (_: string, i: number): Promise<Float64Array> => Float64Array.from(grams[i]!);
  const all = models.map((values) => modelOf(values, shape, dtype));
  return valuesOf(blendModels(all, BLENDS[blend].data === true ? { ...options, grams: ofGrams } : options));
}

/** What its reference makes of it. */
export function referenceOf({ blend, models, base, shape: given, grams, settings, seed }: BlendCase): number[] {
  const shape = given.length === 0 ? [1] : given;
  const { weights, lambda, along, taskScale } = settings;
  const vectors = positions(along ?? "tensor", shape);
  const columns = models[0]!.length / shape[0]!;
  switch (blend) {
    case "linear":
      return linearReference(models, weights!, settings.normalize!);
    case "lerp":
      return linearReference(models, [1 - lambda!, lambda!], false);
    case "slerp":
      return slerpReference(models[0]!, models[1]!, lambda!, Math.sqrt(1 - 0.9995 ** 2));
    case "nuslerp":
      return nuslerpReference(models, base, weights!, vectors);
    case "karcher":
      return karcherReference(models, weights!, settings.maxSteps!, settings.tolerance!);
    case "sce":
      return sceReference(models, base!, settings.density![0]!, taskScale!);
    case "model_stock":
      return modelStockReference(models, base!, vectors);
    case "iso_c":
      if (given.length > 1) return isoReference(models, base!, weights!, taskScale!, columns);
      return taskReference(models, base!, { ...taskCase(settings, models, shape, seed), normalize: true });
    case "regmean":
      return regmeanReference(models, grams, weights!, settings.offDiagonal!, columns);
    default:
      return taskReference(models, base!, { ...taskCase(settings, models, shape, seed), ...KINDS[blend] });
  }
}

const KINDS: Partial<Record<BlendName, Pick<TaskCase, "sparsify" | "votes">>> = {
  task_arithmetic: { sparsify: "none", votes: false },
  ties: { sparsify: "magnitude", votes: true },
  dare_linear: { sparsify: "random", votes: false },
  dare_ties: { sparsify: "random", votes: true },
  breadcrumbs: { sparsify: "outliers", votes: false },
  breadcrumbs_ties: { sparsify: "outliers", votes: true },
  della_linear: { sparsify: "rank-random", votes: false },
  della: { sparsify: "rank-random", votes: true },
};

function taskCase(settings: SettledBlend, models: readonly Values[], shape: readonly number[], seed: number): TaskCase {
  const ones = models.map(() => 1);
  const draws = models.map((values, i) => {
    const rng = rngOf(seed, NAME, i);
    return values.map(() => rng.uniform());
  });
  return {
    ...{ sparsify: "none", votes: false, draws, rows: shape.length > 1 ? shape[0]! : 1 },
    ...{ weights: settings.weights!, density: settings.density ?? ones, gamma: settings.gamma ?? ones },
    ...{ epsilon: settings.epsilon ?? ones, taskScale: settings.taskScale!, normalize: settings.normalize ?? false },
    rescale: settings.rescale ?? "none",
  };
}

/** The largest difference between the two, as a share of the largest value. */
export async function differenceOf(drawn: BlendCase): Promise<number> {
  const [got, want] = [await blendOf(drawn), referenceOf(drawn)];
  // Lerp and slerp add in f32: relative to what they add.
  const given = drawn.dtype === "F32" ? drawn.models.flat() : [];
  const largest = Math.max(...[...want, ...given].map(Math.abs), 1e-300);
  return Math.max(...got.map((value, e) => Math.abs(value - want[e]!))) / largest;
}

/** A generator for the case of that number. */
export const caseRng = (number: number): Rng => createRng(1_000_003 * number);
