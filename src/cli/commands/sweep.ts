/** `rebasin sweep RECIPE --set blend.density=.2,.5,.8 --data DIR` */

import { dirname, resolve } from "node:path";
import { VERSION } from "../../base/version.ts";
import { visible } from "../../base/visible.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { Split } from "../../node/data-folder.ts";
import { saveText } from "../../node/file-sink.ts";
import { readRecipe } from "../../node/recipes.ts";
import { planText } from "../../plan/canonical.ts";
import type { MergePlan } from "../../plan/merge-plan.ts";
import type { PlanHost, PlanSetting } from "../../plan/plan-host.ts";
import type { RecipeStep } from "../../plan/recipe/recipe.ts";
import { runPlan } from "../../plan/run-plan.ts";
import { type SweepVariant, type SweptKey, sweepPlan, sweepVariants } from "../../plan/sweep-plan.ts";
import { textTable } from "../../report/text-table.ts";
import type { Command, CommandContext } from "../command.ts";
import { dataDigest, modelDigest } from "../digests.ts";
import { BATCH_OPTION, DATA_OPTIONS, type DataValues, readSplit, splitOption } from "../image-data.ts";
import { CHECKPOINT_OPTION, type CheckpointPlan, withCheckpoint } from "../kept-results.ts";
import { THREADS_OPTION } from "../matching.ts";
import { checkLabelsFit } from "../measured.ts";
import { checkOutputs } from "../models.ts";
import { repeated, required, text, UsageError } from "../option.ts";
import { forceOption } from "../output.ts";
import { dataOf, hostOf } from "../planning.ts";
import { QUEUEING_OPTIONS, type QueueingValues } from "../queueing/options.ts";
import { sweepQueued } from "../queueing/sweep-queued.ts";
import { checkRuntime } from "../runtimes.ts";
import type { SweepRow } from "../sweep-page.ts";

interface SweepValues extends DataValues, QueueingValues {
  readonly set: readonly SweptKey[];
  readonly data: string;
  readonly split: Split;
  readonly batch: number;
  readonly output: string | undefined;
  readonly html: string | undefined;
  readonly checkpoint: string | undefined;
  readonly threads: number | "auto";
  readonly force: boolean;
}

type Context = CommandContext<SweepValues>;

export const sweep: Command<SweepValues> = {
  positionals: ["RECIPE"],
  options: {
    set: repeated(
      {
        value: "KEY=V,V",
        help: "values of a key of blend, repair or models.N.parameters; several options give all pairs",
      },
      toKey,
    ),
    ...DATA_OPTIONS,
    data: required(DATA_OPTIONS.data),
    split: splitOption("test"),
    batch: BATCH_OPTION,
    output: text({ short: "o", value: "OUT", help: "also write the merge with the lowest loss", group: "output" }),
    html: text({ value: "OUT", help: "write a page with the table and a chart", group: "output" }),
    checkpoint: CHECKPOINT_OPTION,
    threads: THREADS_OPTION,
    ...QUEUEING_OPTIONS,
    force: forceOption(),
  },
  examples: [
    "rebasin sweep recipe.yaml --set blend.lambda=0.25,0.5,0.75 --data fashion-mnist",
    "rebasin sweep recipe.yaml --set blend.lambda=0.25,0.5,0.75 --data fashion-mnist --queue /shared/queue",
    "rebasin sweep recipe.yaml --set blend.density=.2,.5 --set blend.taskScale=1,2 --data fashion-mnist --html sweep.html",
  ],
  async run(context) {
    const { options, positionals, signal, onProgress, say } = context;
    const [path] = positionals as [string];
    const [step, more] = await readRecipe(path);
    if (more !== undefined) throw new UsageError(`${path} has several documents, expected one to sweep`);
    const plan = measuredPlan(step!, options);
    const variants = sweepVariants(plan, options.set);
    const outputs = [options.html, options.output].filter((output) => output !== undefined);
    await checkOutputs(outputs, [path], options.force);
    const host = await hostOf(context, undefined, dirname(path));
    const run = { threads: options.threads, signal, onProgress, onNote: say, locate: step!.locate };
    const setting: PlanSetting = { plan, host, run };
    const data = await readSplit(context, options.split);
    const rows = await measure(context, setting, variants, data, outputs[0]);
    const best = lowest(rows);
    if (options.html !== undefined) {
      const { sweepPage } = await import("../sweep-page.ts");
      const page = await sweepPage(rows, best, { title: `Sweep of ${path}`, data: data.name, images: data.count });
      await saveText(page, options.html, { force: options.force, inputs: [path] });
    }
    const written = options.output === undefined ? [] : await writeBest(context, variants[best]!, host);
    return { json: sweepJson(rows, best, data, plan), text: [sweepText(rows, best), ...written].join("\n") };
  },
};

/** A key and its values, as plans have them. */
function toKey(given: string, name: string): SweptKey {
  const at = given.indexOf("=");
  const [key, values] = [given.slice(0, at), given.slice(at + 1).split(",")];
  if (at < 1 || values.includes("")) throw new UsageError(`--${name} ${given}, expected KEY=VALUE,VALUE`);
  return { key, values: values.map(toValue) };
}

function toValue(word: string): string | number | boolean {
  if (word === "true" || word === "false") return word === "true";
  return Number.isFinite(Number(word)) ? Number(word) : word;
}

/** The plan without its output, with the images of the command line where it has no own one. */
function measuredPlan({ plan, locate }: RecipeStep, options: SweepValues): MergePlan {
  if (plan.blend === undefined) throw new UsageError(`${locate([])} has no blend, expected one to sweep`);
  if (plan.repair?.kind === "per-task")
    throw new UsageError(`${locate(["repair"])} is per-task, expected another kind`);
  return { ...plan, output: undefined, data: plan.data ?? dataOf(options, resolve(options.data)) };
}

/** Measures what no earlier run has measured; aligns only if something is left. */
async function measure(
  context: Context,
  setting: PlanSetting,
  variants: readonly SweepVariant[],
  data: Dataset,
  output: string | undefined,
): Promise<SweepRow[]> {
  const { options, signal, onProgress } = context;
  await checkRuntime(setting.plan.models.map((model) => model.path));
  const { evaluateModel } = await import("../../run/models/evaluate-model.ts");
  const path = options.checkpoint ?? (output === undefined ? undefined : `${output}.checkpoint`);
  const inputs = [...context.positionals, ...(output === undefined ? [] : [output])];
  const how: CheckpointPlan = {
    ...{ path, inputs, of: () => resultsOf(setting, data, options.batch) },
    count: (names) => `${[...names].length} of ${variants.length} merges`,
  };
  return withCheckpoint(context, how, async (kept) => {
    const found = new Map(kept.found);
    const missing = variants.filter(({ values }) => !found.has(JSON.stringify(values)));
    const { queue } = options;
    const sweepOf: typeof sweepPlan =
      queue === undefined
        ? sweepPlan
        : (of, left, use) => sweepQueued(of.plan, left, dirname(context.positionals[0]!), context, use);
    if (missing.length > 0)
      await sweepOf(setting, missing, async (merged, { values }) => {
        signal.throwIfAborted();
        if (found.size === kept.found.size) await checkLabelsFit([merged], [data]);
        const { loss, accuracy } = await evaluateModel(merged, data, { batch: options.batch, signal, onProgress });
        found.set(JSON.stringify(values), { loss, accuracy });
        await kept.keep(JSON.stringify(values), { loss, accuracy });
      });
    return variants.map(({ values }) => ({
      values,
      ...(found.get(JSON.stringify(values)) as Omit<SweepRow, "values">),
    }));
  });
}

async function resultsOf({ plan, host, run }: PlanSetting, data: Dataset, batch: number): Promise<Map<string, string>> {
  const of = new Map([
    ["command", `sweep of ${VERSION}`],
    ["recipe", planText(plan)],
    ["images", dataDigest(data)],
    ["--batch", String(batch)],
  ]);
  for (const [i, model] of [...plan.models, ...(plan.base === undefined ? [] : [plan.base])].entries()) {
    const opened = await host.open(model, i < plan.models.length ? i : undefined);
    of.set(`model ${i}`, await modelDigest(opened, run.signal));
    await opened.close?.();
  }
  return of;
}

/** A loss that is no number counts as the highest. */
function lowest(rows: readonly SweepRow[]): number {
  const losses = rows.map(({ loss }) => (Number.isNaN(loss) ? Number.POSITIVE_INFINITY : loss));
  return losses.reduce((best, loss, i) => (loss < losses[best]! ? i : best), 0);
}

async function writeBest(context: Context, { plan }: SweepVariant, host: PlanHost): Promise<string[]> {
  const { options, signal, onProgress } = context;
  const output = { path: resolve(options.output!) };
  const { output: made } = await runPlan({ ...plan, output }, host, { threads: options.threads, signal, onProgress });
  return ["", `merged     ${visible(made!.path)}`];
}

function sweepJson(rows: readonly SweepRow[], best: number, data: Dataset, plan: MergePlan): object {
  return { rows, best, images: data.count, plan };
}

function sweepText(rows: readonly SweepRow[], best: number): string {
  const keys = Object.keys(rows[0]!.values);
  return textTable(
    [...keys, "loss", "accuracy", ""],
    rows.map(({ values, loss, accuracy }, i) => [
      ...keys.map((key) => String(values[key])),
      ...[loss.toFixed(4), accuracy.toFixed(4), i === best ? "lowest loss" : ""],
    ]),
  );
}
