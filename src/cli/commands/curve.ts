/** `rebasin curve A B --data DIR` */

import { VERSION } from "../../base/version.ts";
import { visible } from "../../base/visible.ts";
import type { Dataset } from "../../data/dataset.ts";
import { costMaps, tensorSimilarities } from "../../measure/tensor-similarity.ts";
import type { Split } from "../../node/data-folder.ts";
import { saveText } from "../../node/file-sink.ts";
import { applyPermutations } from "../../perm/apply-permutations.ts";
import type { AlignedPair } from "../../perm/pair.ts";
import { type PlanAlignment, withPlanPair } from "../../plan/align-by-plan.ts";
import type { MergePlan } from "../../plan/merge-plan.ts";
import type { PlanSetting } from "../../plan/plan-host.ts";
import { type PlannedRepair, plannedRepair, type RepairSource, repairImages } from "../../plan/repair-by-plan.ts";
import { graphOf } from "../../run/models/model-graph.ts";
import {
  checkpointPath,
  PERMUTATIONS_OPTION,
  type PermutationsValues,
  permutationsInput,
  searchCheckpoint,
} from "../aligned-pair.ts";
import type { Command, CommandContext } from "../command.ts";
import { COMMON_OF_SAMPLES } from "../common-options.ts";
import { type CurveResult, curveCsv, curveJson, curveText, type SplitResult } from "../curve-result.ts";
import { dataDigest, pairDigests } from "../digests.ts";
import { foundationsOf } from "../foundations.ts";
import { BATCH_OPTION, DATA_OPTIONS, type DataValues, readSplit } from "../image-data.ts";
import { CHECKPOINT_OPTION, type CheckpointPlan, type KeptResults, withCheckpoint } from "../kept-results.ts";
import { MATCH_OPTIONS, type MatchValues } from "../matching.ts";
import { chanceHints, checkLabelsFit, hintLines } from "../measured.ts";
import { inMemoryModel } from "../measuring/plain.ts";
import { checkOutputs, PREFIX_OPTIONS, type PrefixValues } from "../models.ts";
import { choice, flag, integer, required, text } from "../option.ts";
import { alignOf, planOf, repairOf, settingOf } from "../planning.ts";
import { REPAIR_OPTIONS, type RepairValues } from "../repairing.ts";
import { checkRuntime } from "../runtimes.ts";

/** More heat maps than this make a page heavy and show nothing new. */
const MAX_MAPS = 12;

interface CurveValues extends DataValues, Omit<MatchValues, "batch">, PrefixValues, RepairValues, PermutationsValues {
  readonly data: string;
  readonly split: Split | "both";
  readonly points: number;
  readonly csv: string | undefined;
  readonly svg: string | undefined;
  readonly html: string | undefined;
  readonly temperature: boolean;
  readonly batch: number;
}

type Context = CommandContext<CurveValues>;

export const curve: Command<CurveValues> = {
  positionals: ["A", "B"],
  options: {
    ...DATA_OPTIONS,
    data: required(DATA_OPTIONS.data),
    split: choice(["test", "train", "both"], {
      value: "SPLIT",
      help: "which images",
      default: "test",
      group: "images",
    }),
    points: integer({ value: "N", help: "points of each curve, both ends included", default: 25, min: 2, max: 10_001 }),
    csv: text({ value: "OUT", help: "write the points as CSV", group: "output" }),
    svg: text({ value: "OUT", help: "write a plot of the curves", group: "output" }),
    html: text({
      value: "OUT",
      help: "write a report: curves, barriers, calibration, likeness of tensors, costs",
      group: "output",
    }),
    permutations: PERMUTATIONS_OPTION,
    ...MATCH_OPTIONS,
    ...PREFIX_OPTIONS,
    ...REPAIR_OPTIONS,
    "repair-images": { ...REPAIR_OPTIONS["repair-images"], for: { repair: true, temperature: true } },
    temperature: flag({
      help: "also the loss after one temperature, fitted on --repair-images training images to the mean output of A and B",
      group: "repair",
    }),
    // The straight-through search has options of these names, too; here they are of what is measured.
    batch: BATCH_OPTION,
    checkpoint: CHECKPOINT_OPTION,
  },
  common: [...COMMON_OF_SAMPLES, "repair"],
  examples: [
    "rebasin curve a.safetensors b.safetensors --data fashion-mnist --html report.html",
    "rebasin curve a.safetensors b.safetensors --data fashion-mnist --split both --permutations perms.safetensors --json",
    "rebasin curve a.safetensors b.safetensors --data fashion-mnist --input-size 14 --limit 1000 --svg curve.svg",
    "rebasin curve a.safetensors b.safetensors --data fashion-mnist --repair least-squares --html report.html",
  ],
  async run(context) {
    const { options } = context;
    const { points, batch } = options;
    const outputs = OUTPUTS.flatMap((kind) => options[kind] ?? []);
    const inputs = [...context.positionals, ...permutationsInput(context)];
    await checkOutputs(outputs, inputs, options.force);
    const checkpoint = await checkpointPath(context, outputs, inputs);
    // Before any work: the peers may be missing.
    await checkRuntime(context.positionals);
    const splits = new Map<string, Dataset>();
    for (const split of options.split === "both" ? (["train", "test"] as const) : [options.split])
      splits.set(split, await readSplit(context, split));
    const setting = await settingOf(context, measuredPlan(options, context), searchCheckpoint(options));
    const repair = plannedRepair(setting);
    const temper = options.temperature ? temperImages(setting, options).read : undefined;
    return withPlanPair(
      setting,
      (pair, alignment) => {
        const task = { pair, alignment, splits, repair, temper, points, batch };
        return withCheckpoint(context, { path: checkpoint, inputs, ...checkpointOf(context, task) }, async (kept) => {
          const result = await measure(context, task, kept);
          await write(context, pair, result, inputs);
          const hints = hintsOf(result);
          const text = [curveText(result), ...hintLines(hints), ...savedLines(outputs)].join("\n");
          const { assumptions } = await graphOf(pair.a);
          return { json: { ...curveJson(result), hints, graph: { assumptions } }, text };
        });
      },
      { repair, check: (models) => checkLabelsFit(models, splits.values()) },
    );
  },
};

/** The alignment and the repair that are measured; the temperature is measured too, and not folded in. */
function measuredPlan(options: CurveValues, context: Context): MergePlan {
  const repair = repairOf({ ...options, temperature: false });
  return planOf(context, { ...alignOf({ ...options, batch: undefined }), repair, blend: { method: "lerp" } });
}

/** The images that a temperature is fitted on. */
function temperImages(setting: PlanSetting, { "repair-images": images }: CurveValues): RepairSource {
  return repairImages(setting, setting.plan.data!, { kind: "least-squares", images });
}

/** Whether A and B know the images, from the ends of the curve. */
function hintsOf({ splits }: CurveResult): string[] {
  return splits.flatMap(({ split, data, curves: { naive } }) => {
    const ends = [naive.points[0]!, naive.points.at(-1)!];
    const scored = ends.map(({ accuracy }, i) => ({ name: "AB"[i]!, accuracy }));
    return chanceHints(scored, data, split);
  });
}

const OUTPUTS = ["csv", "svg", "html"] as const;

/** What is measured. */
interface CurveTask {
  readonly pair: AlignedPair;
  readonly alignment: PlanAlignment;
  readonly splits: ReadonlyMap<string, Dataset>;
  readonly repair: PlannedRepair | undefined;
  /** Reads the images that a temperature is fitted on. */
  readonly temper: (() => Promise<Dataset>) | undefined;
  readonly points: number;
  readonly batch: number;
}

function checkpointOf(
  { signal }: Context,
  { pair, splits, repair, temper, points, batch }: CurveTask,
): Pick<CheckpointPlan, "of" | "count"> {
  const models = (repair === undefined ? 2 : 3) * points - 1;
  return {
    async of() {
      const of = new Map([["command", `curve of ${VERSION}`], ...(await pairDigests(pair, signal))]);
      for (const [split, data] of splits) of.set(`${split} images`, dataDigest(data));
      of.set("--points", String(points)).set("--batch", String(batch));
      of.set("--repair", JSON.stringify(repair?.settings ?? "none"));
      if (repair !== undefined) of.set("images for --repair", dataDigest(await repair.images()));
      if (temper !== undefined) of.set("images for --temperature", dataDigest(await temper()));
      return of;
    },
    count(names) {
      const done = [...names].filter((name) => !name.includes(" calibration "));
      return `${done.length} of ${models * splits.size} points`;
    },
  };
}

async function measure(
  context: Context,
  { pair, alignment, splits, repair: planned, temper, points, batch }: CurveTask,
  kept: KeptResults,
): Promise<CurveResult> {
  const { signal } = context;
  const { measureCurves } = await import("../measuring/measure-curves.ts");
  const aligned = await applyPermutations(pair.b, pair.spec, pair.permutations);
  const images = await planned?.imagesFor([pair.a, pair.b]);
  const setup = {
    batch,
    splits,
    parents: [await inMemoryModel(pair.a), await inMemoryModel(aligned)] as const,
    repair: planned && images && { settings: planned.settings, images },
    temper: await temper?.(),
  };
  const inMemory = { ...pair, b: await inMemoryModel(pair.b) };
  const curves = await measureCurves(
    context,
    { pair: inMemory, setup, points, threads: context.options.threads },
    kept,
  );
  const results = [...splits].map(([split, data]): SplitResult => ({ split, data, ...curves.get(split)! }));
  const tensors = await tensorSimilarities(pair, { signal });
  const repair = planned && { ...planned.settings, images: images!.count };
  return { splits: results, tensors, alignment, foundations: await foundationsOf(pair), repair };
}

async function write(context: Context, pair: AlignedPair, result: CurveResult, inputs: string[]): Promise<void> {
  const { options, signal } = context;
  const save = async (kind: (typeof OUTPUTS)[number], make: () => string | Promise<string>): Promise<void> => {
    const path = options[kind];
    if (path !== undefined) await saveText(await make(), path, { force: options.force, inputs });
  };
  await save("csv", () => curveCsv(result.splits));
  await save("svg", async () => (await import("../curve-page.ts")).curveSvg(result, "From model A to model B"));
  await save("html", async () => {
    const { curvePage } = await import("../curve-page.ts");
    const names = Object.keys(result.alignment.permutations).slice(0, MAX_MAPS);
    const maps = await costMaps(pair, names, { signal });
    const title = `${context.positionals[0]} and ${context.positionals[1]}`;
    return curvePage(result, maps, { title, settings: settingsOf(context, "curve") });
  });
}

/** Every option in force, but not where results went. */
export function settingsOf({ texts, positionals }: CommandContext, command: string): [string, string][] {
  const outputs = new Set<string>([...OUTPUTS, "checkpoint"]);
  const options = [...texts].filter(([name]) => !outputs.has(name));
  return [["rebasin", VERSION], ["command", command], ["A", positionals[0]!], ["B", positionals[1]!], ...options];
}

/** What was written, after an empty line. */
export function savedLines(outputs: readonly string[]): string[] {
  return outputs.map((output, i) => `${i === 0 ? "\n" : ""}saved      ${visible(output)}`);
}
