/** `rebasin curve A B --data DIR` */

import { VERSION } from "../../base/version.ts";
import { visible } from "../../base/visible.ts";
import type { Dataset } from "../../data/dataset.ts";
import { describeGraph } from "../../families/describe-graph.ts";
import { costMaps, tensorSimilarities } from "../../measure/tensor-similarity.ts";
import { saveText } from "../../node/file-sink.ts";
import { applyPermutations } from "../../perm/apply-permutations.ts";
import type { AlignedPair } from "../../perm/pair.ts";
import { type AlignmentFound, checkpointPath, PERMUTATIONS_OPTION, withAlignedPair } from "../aligned-pair.ts";
import { PREFIX_OPTIONS } from "../bridging.ts";
import { type Command, type CommandContext, numberOption } from "../command.ts";
import { type CurveResult, curveCsv, curveJson, curveText, type SplitResult } from "../curve-result.ts";
import { dataDigest, pairDigests } from "../digests.ts";
import { foundationsOf } from "../foundations.ts";
import { BATCH_OPTION, DATA_OPTIONS, readSplit, SPLITS, splitsOption } from "../image-data.ts";
import { CHECKPOINT_OPTION, type CheckpointPlan, type KeptResults, withCheckpoint } from "../kept-results.ts";
import { MATCH_OPTIONS, threadsOption } from "../matching.ts";
import { chanceHints, checkLabelsFit, hintLines } from "../measured.ts";
import { inMemoryModel } from "../measuring/plain.ts";
import { checkOutputs } from "../models.ts";
import { planMeasured, REPAIR_OPTIONS, type Repair } from "../repairing.ts";

/** More heat maps than this make a page heavy and say nothing new. */
const MAX_MAPS = 12;

export const curve: Command = {
  name: "curve",
  summary: "Measure loss and accuracy between A and B, as they are and aligned",
  positionals: ["A", "B"],
  required: ["data"],
  options: {
    ...DATA_OPTIONS,
    split: { value: "SPLIT", help: "which images", choices: SPLITS, default: "test", group: "images" },
    points: { value: "N", help: "points of each curve, both ends included", default: "25" },
    csv: { value: "OUT", help: "write the points as CSV", group: "output" },
    svg: { value: "OUT", help: "write a plot of the curves", group: "output" },
    html: {
      value: "OUT",
      help: "write a report: curves, barriers, calibration, likeness of tensors, costs",
      group: "output",
    },
    permutations: PERMUTATIONS_OPTION,
    ...MATCH_OPTIONS,
    ...PREFIX_OPTIONS,
    ...REPAIR_OPTIONS,
    temperature: {
      help: "also the loss after one temperature, fitted on --repair-images training images to the mean of what A and B say",
      group: "repair",
    },
    // The straight-through search has options of these names, too; here they are of what is measured.
    batch: BATCH_OPTION,
    checkpoint: CHECKPOINT_OPTION,
  },
  examples: [
    "rebasin curve a.safetensors b.safetensors --data fashion-mnist --html report.html",
    "rebasin curve a.safetensors b.safetensors --data fashion-mnist --split both --permutations perms.safetensors --json",
    "rebasin curve a.safetensors b.safetensors --data fashion-mnist --input-size 14 --limit 1000 --svg curve.svg",
    "rebasin curve a.safetensors b.safetensors --data fashion-mnist --repair least-squares --html report.html",
  ],
  async run(context) {
    const outputs = OUTPUTS.flatMap((kind) => context.values.get(kind) ?? []);
    const points = numberOption(context, "points", { min: 2, max: 10_001, integer: true })!;
    const batch = numberOption(context, "batch", { min: 1, max: 1e6, integer: true })!;
    const { repair, temper } = planMeasured(context);
    const inputs = inputsOf(context);
    await checkOutputs(outputs, inputs, context.flags.has("force"));
    const checkpoint = await checkpointPath(context, outputs, inputs);
    // Before any work: the peers may be missing.
    await loadRunning();
    const splits = new Map<string, Dataset>();
    for (const split of splitsOption(context)) splits.set(split, await readSplit(context, split));
    return withAlignedPair(
      context,
      (pair, alignment) => {
        const task = { pair, alignment, splits, repair, temper, points, batch };
        return withCheckpoint(context, { path: checkpoint, inputs, ...checkpointOf(context, task) }, async (kept) => {
          const result = await measure(context, task, kept);
          await write(context, pair, result, inputs);
          const hints = hintsOf(result);
          const text = [curveText(result), ...hintLines(hints), ...savedLines(outputs)].join("\n");
          const { assumptions } = await describeGraph(pair.a);
          return { json: { ...curveJson(result), hints, graph: { assumptions } }, text };
        });
      },
      { repair, check: (models) => checkLabelsFit(models, splits.values()) },
    );
  },
};

/** Whether A and B know the images, from the ends of the curve. */
function hintsOf({ splits }: CurveResult): string[] {
  return splits.flatMap(({ split, data, curves: { naive } }) => {
    const ends = [naive.points[0]!, naive.points.at(-1)!];
    const scored = ends.map(({ accuracy }, i) => ({ name: "AB"[i]!, accuracy }));
    return chanceHints(scored, data, split);
  });
}

const OUTPUTS = ["csv", "svg", "html"] as const;

const inputsOf = ({ positionals, values }: CommandContext): string[] => [
  ...positionals,
  ...["permutations"].flatMap((option) => values.get(option) ?? []),
];

/** Says what to install, where the peers are missing. */
async function loadRunning() {
  const { executorOf } = await import("../../run/models/default-executor.ts");
  await executorOf(undefined);
  return import("../measuring/measure-curves.ts");
}

/** What is measured. */
interface CurveTask {
  readonly pair: AlignedPair;
  readonly alignment: AlignmentFound;
  readonly splits: ReadonlyMap<string, Dataset>;
  readonly repair: Repair | undefined;
  /** Reads the images that a temperature is fitted on. */
  readonly temper: (() => Promise<Dataset>) | undefined;
  readonly points: number;
  readonly batch: number;
}

function checkpointOf(
  { signal }: CommandContext,
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
  context: CommandContext,
  { pair, alignment, splits, repair: planned, temper, points, batch }: CurveTask,
  kept: KeptResults,
): Promise<CurveResult> {
  const { signal } = context;
  const { measureCurves } = await loadRunning();
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
  const curves = await measureCurves(context, { pair: inMemory, setup, points, threads: threadsOption(context) }, kept);
  const results = [...splits].map(([split, data]): SplitResult => ({ split, data, ...curves.get(split)! }));
  const tensors = await tensorSimilarities(pair, { signal });
  const repair = planned && { ...planned.settings, images: images!.count };
  return { splits: results, tensors, alignment, foundations: await foundationsOf(pair), repair };
}

async function write(context: CommandContext, pair: AlignedPair, result: CurveResult, inputs: string[]): Promise<void> {
  const { values, flags, signal } = context;
  const save = async (kind: (typeof OUTPUTS)[number], make: () => string | Promise<string>): Promise<void> => {
    const path = values.get(kind);
    if (path !== undefined) await saveText(await make(), path, { force: flags.has("force"), inputs });
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
export function settingsOf({ values, positionals }: CommandContext, command: string): [string, string][] {
  const outputs = new Set<string>([...OUTPUTS, "checkpoint"]);
  const options = [...values].filter(([name]) => !outputs.has(name));
  return [["rebasin", VERSION], ["command", command], ["A", positionals[0]!], ["B", positionals[1]!], ...options];
}

/** What was written, after an empty line. */
export function savedLines(outputs: readonly string[]): string[] {
  return outputs.map((output, i) => `${i === 0 ? "\n" : ""}saved      ${visible(output)}`);
}
