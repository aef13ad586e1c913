/** Recipes: plans in YAML, with shorter words, and several that read each other's results. */

import { describe } from "../../base/describe.ts";
import { checkPlan } from "../check-plan.ts";
import { type MergePlan, PLAN_FORMAT } from "../merge-plan.ts";
import { PLAN_FIELDS, STRATEGIES } from "../plan-fields.ts";
import { planModels } from "../plan-paths.ts";
import { fault, type Locate } from "../shape.ts";
import { isMergekit, type RecipeWords, readMergekit } from "./mergekit.ts";
import { readYaml, type YamlDocument } from "./yaml.ts";

/** One document of a recipe. */
export interface RecipeStep {
  /** What other documents call its result. */
  readonly name: string | undefined;
  readonly plan: MergePlan;
  /** How messages name a key of the plan: `recipe.yaml:12 blend.density`. */
  readonly locate: Locate;
  /** Names of other documents whose results it reads. */
  readonly needs: readonly string[];
  /** mergekit's `layer_range`: the network must have so many blocks. */
  readonly layers?: number | undefined;
}

/**
 * Reads a recipe: the text of a YAML or JSON file. Steps come in the order in which they can be run.
 *
 * A document is a plan whose `format` may be left out. A model, `base`, `data`, `output` and `blend` can be one word in
 * it. `align` can be `false`, `force`, a method or a strategy. `name` is the result's name for other documents.
 * Configuration files of mergekit are read in their own words, with `align` beside them.
 *
 * @throws {FormatError} in one line with file, line and key: for text that is no recipe, unknown keys and values out of
 * range. Also for documents that need each other in a circle, and a result that goes nowhere.
 *
 * @example
 * const [step] = parseRecipe("models: [a.safetensors, b.safetensors]\nblend: lerp\noutput: m.safetensors", "r.yaml");
 */
export function parseRecipe(text: string, name = "recipe"): RecipeStep[] {
  const documents = readYaml(text, name);
  if (documents.length === 0) throw fault(name, "is empty", "a recipe");
  const named = documents.map((document) => ({ document, name: nameOf(document) }));
  const names = new Map<string, YamlDocument>();
  for (const { document, name: own } of named) {
    if (own === undefined) continue;
    if (names.has(own)) throw fault(document.locate(["name"]), `is "${own}" again`, "another name for each document");
    names.set(own, document);
  }
  const steps = named.map(({ document, name: own }) => readStep(document, own, names));
  checkUsed(steps);
  return inOrder(steps);
}

function nameOf({ value, locate }: YamlDocument): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw fault(locate([]), `is ${Array.isArray(value) ? "a list" : describe(value)}`, "a recipe: keys and values");
  const { name } = value as { name?: unknown };
  if (name === undefined || (typeof name === "string" && name !== "")) return name;
  throw fault(locate(["name"]), `is ${describe(name)}`, "a text");
}

/** Keys of a document: those of a plan, and its name. */
const RECIPE_KEYS: readonly string[] = ["name", ...Object.keys(PLAN_FIELDS)];

function readStep(document: YamlDocument, name: string | undefined, names: ReadonlyMap<string, unknown>): RecipeStep {
  const { name: _, ...value } = document.value as { readonly name?: string };
  const words: RecipeWords = isMergekit(value)
    ? readMergekit(value, document.locate)
    : { value: spelledOut(value), locate: document.locate };
  const stray = Object.keys(words.value).find((key) => !RECIPE_KEYS.includes(key));
  if (stray !== undefined) throw fault(words.locate([stray]), "is not known", `one of ${RECIPE_KEYS.join(", ")}`);
  const plan = checkPlan(words.value, { locate: words.locate });
  const paths = planModels(plan).map(([{ path }]) => path);
  const needs = [...new Set(paths.filter((path) => names.has(path)))];
  return { name, plan, locate: words.locate, needs, layers: words.layers };
}

/** One word → the object that it means. */
function spelledOut(given: object): object {
  const { models, base, data, output, blend, align, ...rest } = given as Record<string, unknown>;
  const asPath = (value: unknown): unknown => (typeof value === "string" ? { path: value } : value);
  const asPart = (value: unknown): unknown => {
    const part = asPath(value) as { readonly base?: unknown } | null;
    return typeof part?.base === "string" ? { ...part, base: asPath(part.base) } : part;
  };
  return {
    format: PLAN_FORMAT,
    ...rest,
    models: Array.isArray(models) ? models.map(asPart) : models,
    base: asPath(base),
    data: asPath(data),
    output: asPath(output),
    blend: typeof blend === "string" ? { method: blend } : blend,
    align: alignOf(align, base !== undefined && base !== null),
  };
}

/**
 * `false`, `force`, or the name of a method or strategy; anything else is for the checker. Beside a base, `force` is
 * asked of its fine-tunes; without one, two models are aligned to each other.
 */
export function alignOf(align: unknown, hasBase: boolean): unknown {
  if (align === false) return { method: "none" };
  if (align === true || align === "force") return hasBase ? { force: true } : { method: "frank-wolfe" };
  if (typeof align !== "string") return align;
  return STRATEGIES.includes(align) ? { strategy: align } : { method: align };
}

/** A result that has no file must be read by another document. */
function checkUsed(steps: readonly RecipeStep[]): void {
  for (const { name, plan, locate } of steps) {
    const { path, permutations } = plan.output ?? {};
    if (path !== undefined || permutations !== undefined || steps.length === 1) continue;
    if (steps.some(({ needs }) => name !== undefined && needs.includes(name))) continue;
    throw fault(locate([]), "has no output, and no other document reads it", "output");
  }
}

/** Each behind all that it needs; else in the order of the file. */
function inOrder(steps: readonly RecipeStep[]): RecipeStep[] {
  const ordered: RecipeStep[] = [];
  const visit = (step: RecipeStep, way: readonly RecipeStep[]): void => {
    if (ordered.includes(step)) return;
    if (way.includes(step)) {
      const circle = [...way.slice(way.indexOf(step)), step].map(({ name }) => name).join(" → ");
      throw fault(step.locate(["models"]), `needs its own result: ${circle}`, "documents without a circle");
    }
    for (const need of step.needs) visit(steps.find(({ name }) => name === need)!, [...way, step]);
    ordered.push(step);
  };
  for (const step of steps) visit(step, []);
  return ordered;
}
