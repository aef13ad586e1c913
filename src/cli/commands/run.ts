/** `rebasin run RECIPE` */

import { dirname, resolve, sep } from "node:path";
import { visible } from "../../base/visible.ts";
import type { RecipeOutline, RecipeResult } from "../../node/recipe-runner.ts";
import { outlineRecipe, readRecipe, runRecipe } from "../../node/recipes.ts";
import type { PlanHost } from "../../plan/plan-host.ts";
import { type PlanNeeds, planNeeds } from "../../plan/plan-needs.ts";
import { planInputs } from "../../plan/plan-paths.ts";
import type { RecipeStep } from "../../plan/recipe/recipe.ts";
import { textTable } from "../../report/text-table.ts";
import type { Command, CommandContext, CommandResult } from "../command.ts";
import { DASH } from "../dash.ts";
import { MEMORY_OPTION, THREADS_OPTION } from "../matching.ts";
import { needsLines } from "../needs-text.ts";
import { flag, type Option, text, UsageError } from "../option.ts";
import { forceOption } from "../output.ts";
import { planResult } from "../plan-result.ts";
import { hostOf } from "../planning.ts";
import { QUEUEING_OPTIONS, type QueueingValues } from "../queueing/options.ts";
import { runQueuedSteps } from "../queueing/run-queued.ts";

interface RunValues extends QueueingValues {
  readonly output: string | undefined;
  readonly cache: string | undefined;
  readonly "dry-run": boolean;
  readonly threads: number | "auto";
  readonly memory: number | undefined;
  readonly checkpoint: string | undefined;
  readonly force: boolean;
}

const OUTPUT: Option<string | undefined> = text({
  short: "o",
  value: "OUT",
  help: "where to write the result, instead of where the recipe puts it",
  group: "output",
});

export const run: Command<RunValues> = {
  positionals: ["RECIPE"],
  options: {
    output: OUTPUT,
    cache: text({
      value: "DIR",
      help: "where results of documents without an output are kept for the next run",
      defaultText: ".rebasin beside the output",
      group: "output",
    }),
    "dry-run": flag({
      help: "print what each tensor is blended by, and what the work needs (bytes, matrices, memory, time); do none of it",
    }),
    threads: THREADS_OPTION,
    memory: MEMORY_OPTION,
    checkpoint: text({
      value: "FILE",
      help: "file that keeps how far matching is, after each sweep or step; the same command resumes from it",
      without: ["queue"],
    }),
    ...QUEUEING_OPTIONS,
    force: forceOption(),
  },
  examples: [
    "rebasin run plan.json",
    "rebasin run recipe.yaml --dry-run",
    "rebasin run recipe.yaml -o merged.safetensors --threads 4 --json",
    "rebasin run recipe.yaml --queue /shared/queue",
  ],
  async run(context) {
    const { options, positionals, signal, onProgress, say } = context;
    const [path] = positionals as [string];
    const folder = dirname(path);
    const steps = withOutput(await readRecipe(path), path, options.output, options["dry-run"]);
    if (options.queue !== undefined) return runQueuedSteps(steps, folder, context);
    if (options.checkpoint !== undefined && steps.length > 1 && !steps.some(isSearch))
      throw new UsageError(`--checkpoint is for recipes of one document, expected none for ${path}`);
    const host = await hostOf(context, options.checkpoint, folder);
    if (options["dry-run"]) {
      const outlines = await outlineRecipe(steps, host, { folder });
      return outlineResult(outlines, await needsOf(steps, host, context));
    }
    const cache = options.cache ?? resolve(folder, dirname(outputOf(steps.at(-1)!) ?? "."), ".rebasin");
    const { threads, memory } = options;
    const how = { threads, memory, signal, onProgress, onNote: say };
    return runResult(await runRecipe(steps, host, { ...how, folder, cache }));
  },
};

const outputOf = ({ plan: { output = {} } }: RecipeStep): string | undefined => output.path ?? output.permutations;

const isSearch = ({ plan }: RecipeStep): boolean => plan.align.method === "straight-through";

/** Throws `UsageError` where the last document's result would go nowhere. */
function withOutput(
  steps: readonly RecipeStep[],
  name: string,
  output: string | undefined,
  isDry: boolean,
): readonly RecipeStep[] {
  const last = steps.at(-1)!;
  if (output === undefined) {
    if (outputOf(last) === undefined && !isDry)
      throw new UsageError(`${name} has no output, expected output.path in it or -o OUT`);
    return steps;
  }
  const { plan } = last;
  // Paths of a recipe are relative to its folder, the option's to where the command runs.
  const isHere = output === DASH || dirname(name) === ".";
  const placed = isHere ? output : `${resolve(output)}${/[\\/]$/.test(output) ? sep : ""}`;
  const own = plan.blend === undefined ? { permutations: placed } : { path: placed };
  return [...steps.slice(0, -1), { ...last, plan: { ...plan, output: { ...plan.output, ...own } } }];
}

/** One document prints what its command does, several each under its name. */
function runResult(results: readonly RecipeResult[]): CommandResult {
  const [only] = results;
  if (results.length === 1 && only?.result !== undefined) return planResult(only.result);
  const printed = results.map(({ name, result, kept }) => {
    const own = result && planResult(result);
    const head = visible(name ?? "the last document");
    const text = own === undefined ? `kept       ${visible(kept ?? "")}` : own.text;
    return { text: `${head}:\n${text}`, json: { name, kept, ...(own?.json as object | undefined) } };
  });
  return { json: { documents: printed.map(({ json }) => json) }, text: printed.map(({ text }) => text).join("\n\n") };
}

/** Of each document; undefined of one that reads what another makes. */
async function needsOf(
  steps: readonly RecipeStep[],
  host: PlanHost,
  { options: { threads, memory }, signal }: CommandContext<RunValues>,
): Promise<(PlanNeeds | undefined)[]> {
  const names = new Set(steps.map(({ name }) => name));
  const needs: (PlanNeeds | undefined)[] = [];
  for (const { plan } of steps) {
    const isBehind = planInputs(plan).some((path) => names.has(path));
    needs.push(
      isBehind ? undefined : await planNeeds(plan, { ...host, prepare: undefined }, { threads, memory, signal }),
    );
  }
  return needs;
}

function outlineResult(outlines: readonly RecipeOutline[], needs: readonly (PlanNeeds | undefined)[]): CommandResult {
  const texts = outlines.map(({ name, plan, tensors }, at) => {
    const rows = tensors.map(({ tensor, settings }) => [tensor, settingsText(settings)]);
    const head = `${name === undefined ? "" : `${visible(name)}: `}${plan.blend?.method ?? "no blend"}`;
    const own = needs[at];
    const lines = own === undefined ? ["note       needs what another document makes"] : needsLines(own);
    return `${head}\n\n${textTable(["tensor", "settings"], rows)}\n\n${lines.join("\n")}`;
  });
  const documents = outlines.map((outline, at) => ({ ...outline, needs: needs[at] }));
  return { json: { documents }, text: texts.join("\n\n") };
}

const settingsText = (settings: object): string =>
  Object.entries(settings)
    .map(([key, value]) => `${key} ${Array.isArray(value) ? value.map(shown).join(",") : shown(value)}`)
    .join("  ");

const shown = (value: unknown): string =>
  typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value);
