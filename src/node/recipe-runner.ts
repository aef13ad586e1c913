/** Recipes run: each document behind all that it needs, finished ones kept by content. */

import { mkdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FormatError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import { blocksOf } from "../plan/blocks.ts";
import { planDigest } from "../plan/canonical.ts";
import type { MergePlan, PlanModel } from "../plan/merge-plan.ts";
import type { PlanHost, PlanRun } from "../plan/plan-host.ts";
import { planInputs, planModels, withModels } from "../plan/plan-paths.ts";
import type { RecipeStep } from "../plan/recipe/recipe.ts";
import { type PlanResult, runPlan } from "../plan/run-plan.ts";
import { describeSettings, type TensorSetting } from "../plan/settings.ts";
import { fault, type KeyPath } from "../plan/shape.ts";
import { contentDigest } from "./content-digest.ts";
import { writesAtOnce } from "./held-outputs.ts";
import { HUB_PREFIX } from "./hub-cache.ts";
import { isUrl, placed } from "./plan-host.ts";

/** How a recipe is run. */
export interface RecipeRun extends PlanRun {
  /** Of the recipe's file: its paths are relative to it. */
  readonly folder: string;
  /** Where finished documents are kept. */
  readonly cache: string;
}

/** What became of one document. */
export interface RecipeResult {
  readonly name: string | undefined;
  /** Undefined where an earlier run had done it. */
  readonly result: PlanResult | undefined;
  /** Where a document without an output is kept. */
  readonly kept: string | undefined;
}

/**
 * Runs the documents of a recipe, in order. One without an output is kept in the cache under a digest of its plan, the
 * version and its inputs' bytes: the next run takes it from there.
 *
 * @throws {FormatError} in one line with file, line and key, before any weight is read, for a model that is not there.
 */
export async function runRecipe(steps: readonly RecipeStep[], host: PlanHost, run: RecipeRun): Promise<RecipeResult[]> {
  for (const step of steps) await checkModels(step, run.folder, new Set(steps.map(({ name }) => name)));
  const made = new Map<string, Made>();
  const results: RecipeResult[] = [];
  for (const step of steps) {
    const { locate, name } = step;
    const plan = withMade(step.plan, made);
    const own = plan.output?.path ?? plan.output?.permutations;
    if (own !== undefined) {
      // The documents behind it read it.
      if (name !== undefined) writesAtOnce(placed(own, run.folder));
      const result = await runPlan(plan, checked(host, step, steps), { ...run, locate });
      results.push({ name, result, kept: undefined });
      if (name !== undefined) made.set(name, { path: own, digest: await digestOf(plan, made, run) });
      continue;
    }
    const digest = await digestOf(plan, made, run);
    const path = resolve(run.cache, `${digest}.safetensors`);
    if (name !== undefined) made.set(name, { path, digest });
    results.push({
      name,
      kept: path,
      result: await runInto(path, plan, checked(host, step, steps), { ...run, locate }),
    });
  }
  return results;
}

/** The result of a document that others read. */
interface Made {
  readonly path: string;
  readonly digest: string;
}

/** Undefined where the file is there: it appears whole, under the digest of all that decides it. */
async function runInto(path: string, plan: MergePlan, host: PlanHost, run: RecipeRun): Promise<PlanResult | undefined> {
  if (await isThere(path)) return undefined;
  await mkdir(run.cache, { recursive: true });
  writesAtOnce(path);
  return runPlan({ ...plan, output: { ...plan.output, path, format: "safetensors" } }, host, run);
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The plan with files in place of other documents' names. */
function withMade(plan: MergePlan, made: ReadonlyMap<string, Made>): MergePlan {
  return withModels(plan, (model) => ({ ...model, path: made.get(model.path)?.path ?? model.path }));
}

/** Of the plan and the bytes of everything it reads. */
async function digestOf(
  plan: MergePlan,
  made: ReadonlyMap<string, Made>,
  { folder, signal }: RecipeRun,
): Promise<string> {
  const byPath = new Map([...made.values()].map(({ path, digest }) => [path, digest]));
  const digests = new Map<string, string>();
  const stated = new Map(planModels(plan).map(([{ path, sha256 }]) => [path, sha256]));
  for (const path of planInputs(plan)) {
    const known = byPath.get(path) ?? stated.get(path);
    if (known === undefined && isUrl(path))
      throw new FormatError(`${path} has no sha256, expected one: results are kept by what they are made of`);
    digests.set(path, known ?? (await contentDigest(placed(path, folder), signal)));
  }
  return planDigest(plan, digests);
}

/** Refuses a model that is not there, by its line, before anything runs. */
async function checkModels({ plan, locate }: RecipeStep, folder: string, names: ReadonlySet<string | undefined>) {
  for (const [{ path }, at] of planModels(plan)) {
    const key: KeyPath = [...at, "path"];
    if (names.has(path) || path.startsWith(HUB_PREFIX) || isUrl(path)) continue;
    if (await isThere(placed(path, folder))) continue;
    throw fault(locate(key), `is "${path}", which is not there`, "a model, or the name of another document");
  }
}

/**
 * Compares the number of blocks with what mergekit's `layer_range` states, as soon as the models are open. A checkpoint
 * is for one document: of several, for the straight-through search.
 */
function checked(host: PlanHost, step: RecipeStep, { length }: readonly RecipeStep[]): PlanHost {
  const keeps = length === 1 || step.plan.align.method === "straight-through";
  return {
    ...host,
    checkpoint: keeps ? host.checkpoint : undefined,
    opened(models) {
      host.opened?.(models);
      checkLayers(step, models[0]!);
    },
  };
}

function checkLayers({ layers, locate }: RecipeStep, { name, tensors }: Model): void {
  if (layers === undefined) return;
  const { count } = blocksOf(tensors.keys());
  if (count === layers) return;
  throw fault(
    locate(["slices", 0, "sources", 0, "layer_range"]),
    `ends at ${layers}`,
    `${count}: all layers of ${name}`,
  );
}

/** What one document gives each tensor. */
export interface RecipeOutline {
  readonly name: string | undefined;
  readonly plan: MergePlan;
  readonly tensors: readonly TensorSetting[];
}

/** What each tensor of each document is blended by: from the files' headers, before any weight is read. */
export async function outlineRecipe(
  steps: readonly RecipeStep[],
  host: PlanHost,
  { folder }: Pick<RecipeRun, "folder">,
): Promise<RecipeOutline[]> {
  const names = new Set(steps.map(({ name }) => name));
  for (const step of steps) await checkModels(step, folder, names);
  const outlines: RecipeOutline[] = [];
  for (const step of steps) {
    const { plan, locate, name } = step;
    // A document's result has the names of its first model.
    const first = firstModel(step, steps);
    const model = await host.open(first, 0);
    try {
      checkLayers(step, model);
      const tensors = plan.blend === undefined ? [] : describeSettings(plan, model.tensors, locate);
      outlines.push({ name, plan, tensors });
    } finally {
      await model.close?.();
    }
  }
  return outlines;
}

function firstModel({ plan }: RecipeStep, steps: readonly RecipeStep[]): PlanModel {
  const first = plan.models[0]!;
  const other = steps.find(({ name }) => name === first.path);
  return other === undefined ? first : firstModel(other, steps);
}

/** By default beside the output. */
export const cacheFolder = (folder: string): string => join(folder, ".rebasin");
