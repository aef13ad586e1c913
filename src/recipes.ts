/**
 * Entry `rebasin/recipes`: plans in files, several that read each other's results, and mergekit's files. For Node, Deno
 * and Bun. It may run networks, so bundlers that take it need the optional peers of `rebasin/tf`.
 */

export type { RecipeOutline, RecipeResult, RecipeRun } from "./node/recipe-runner.ts";
export { outlineRecipe, readRecipe, runRecipe } from "./node/recipes.ts";
export type { RecipeStep } from "./plan/recipe/recipe.ts";
