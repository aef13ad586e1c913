/** Recipes in Node, Deno and Bun: what reads and runs them is loaded with the first, and YAML with it. */

import { readFile } from "node:fs/promises";
import { FormatError } from "../base/errors.ts";
import type { PlanHost } from "../plan/plan-host.ts";
import type { RecipeStep } from "../plan/recipe/recipe.ts";
import type { RecipeOutline, RecipeResult, RecipeRun } from "./recipe-runner.ts";
import { wordsOf } from "./system-error.ts";

/**
 * Reads a recipe or a plan: a file in YAML, or in JSON.
 *
 * @throws {FormatError} in one line with file, line and key.
 *
 * @example
 * const steps = await readRecipe("recipe.yaml");
 * const results = await runRecipe(steps, await planFiles(), { folder: ".", cache: ".rebasin" });
 */
export async function readRecipe(path: string): Promise<RecipeStep[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new FormatError(`${path}: ${wordsOf(cause)}, expected a recipe or a plan`, { cause });
  }
  // YAML has no NUL, models have many.
  if (text.includes("\0")) throw new FormatError(`${path} is no text, expected a recipe or a plan: YAML or JSON`);
  const { parseRecipe } = await import("../plan/recipe/recipe.ts");
  return parseRecipe(text, path);
}

/**
 * Runs the documents of a recipe, each behind all that it needs. One without an output is kept in the cache under a
 * digest of its plan, the version and its inputs' bytes, where the next run finds it.
 *
 * @throws {FormatError} in one line with file, line and key, before any weight is read, for a model that is not there.
 */
export async function runRecipe(steps: readonly RecipeStep[], host: PlanHost, run: RecipeRun): Promise<RecipeResult[]> {
  return (await import("./recipe-runner.ts")).runRecipe(steps, host, run);
}

/**
 * What each tensor of each document is blended by: from the headers of the files, before any weight is read.
 *
 * @throws {FormatError} in one line with file, line and key, as a run does.
 */
export async function outlineRecipe(
  steps: readonly RecipeStep[],
  host: PlanHost,
  run: Pick<RecipeRun, "folder">,
): Promise<RecipeOutline[]> {
  return (await import("./recipe-runner.ts")).outlineRecipe(steps, host, run);
}
