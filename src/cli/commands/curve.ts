/** `rebasin curve A B --data DIR` */

import { VERSION } from "../../base/version.ts";
import { visible } from "../../base/visible.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { Place } from "../../measure/calibrate-pair.ts";
import type { MeasuredPoint } from "../../measure/curve.ts";
import { costMaps, tensorSimilarities } from "../../measure/tensor-similarity.ts";
import { saveText } from "../../node/save-text.ts";
import type { AlignedPair } from "../../perm/pair.ts";
import type { Calibration } from "../../run/metrics.ts";
import { type AlignmentFound, checkpointPath, PERMUTATIONS_OPTION, withAlignedPair } from "../aligned-pair.ts";
import { type Command, type CommandContext, numberOption } from "../command.ts";
import { type CurveResult, curveCsv, curveJson, curveText, type SplitResult } from "../curve-result.ts";
import { dataDigest, pairDigests } from "../digests.ts";
import { DATA_OPTIONS, readSplit, SPLITS, splitsOption } from "../image-data.ts";
import { CHECKPOINT_OPTION, type CheckpointPlan, type KeptResults, withCheckpoint } from "../kept-results.ts";
import { MATCH_OPTIONS } from "../matching.ts";
import { checkOutputs } from "../models.ts";
import { planRepair, REPAIR_OPTIONS, type Repair } from "../repairing.ts";

/** More heat maps than this make a page heavy and say nothing new. */
const MAX_MAPS = 12;

export const curve: Command = {
  name: "curve",
  summary: "Measure loss and accuracy between A and B, as they are and aligned",
  positionals: ["A", "B"],
  required: ["data"],
  options: {
    ...DATA_OPTIONS,
    split: { value: "SPLIT", help: "which images", choices: SPLITS, default: "test" },
    points: { value: "N", help: "points of each curve, both ends included", default: "25" },
    csv: { value: "OUT", help: "write the points as CSV" },
    svg: { value: "OUT", help: "write a plot of the curves" },
    html: { value: "OUT", help: "write a report: curves, barriers, calibration, likeness of tensors, costs" },
    permutations: PERMUTATIONS_OPTION,
    ...MATCH_OPTIONS,
    ...REPAIR_OPTIONS,
    // The straight-through search has options of these names, too; here they are of what is measured.
    batch: { value: "N", help: "images at a time", default: "250" },
    checkpoint: CHECKPOINT_OPTION,
  },
  examples: [
    "rebasin curve a.safetensors b.safetensors --data fashion-mnist --html report.html",
    "rebasin curve a.safetensors b.safetensors --data fashion-mnist --split both --permutations perms.safetensors --json",
    "rebasin curve a.safetensors b.safetensors --data fashion-mnist --input-size 14 --limit 1000 --svg curve.svg",
    "rebasin curve a.safetensors b.safetensors --data fashion-mnist --repair bn-reset --html report.html",
  ],
  async run(context) {
    const outputs = OUTPUTS.flatMap((kind) => context.values.get(kind) ?? []);
    const points = numberOption(context, "points", { min: 2, max: 10_001, integer: true })!;
    const batch = numberOption(context, "batch", { min: 1, max: 1e6, integer: true })!;
    const repair = planRepair(context);
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
        const task = { pair, alignment, splits, repair, points, batch };
        return withCheckpoint(context, { path: checkpoint, inputs, ...checkpointOf(context, task) }, async (kept) => {
          const result = await measure(context, task, kept);
          await write(context, pair, result, inputs);
          const text = [curveText(result), ...savedLines(outputs)].join("\n");
          return { json: curveJson(result), text };
        });
      },
      repair,
    );
  },
};

const OUTPUTS = ["csv", "svg", "html"] as const;

const inputsOf = ({ positionals, values }: CommandContext): string[] => [
  ...positionals,
  ...["permutations"].flatMap((option) => values.get(option) ?? []),
];

/** Says what to install, where the peers are missing. */
async function loadRunning() {
  const { executorOf } = await import("../../run/models/default-executor.ts");
  await executorOf(undefined);
  const { sampleCurves } = await import("../../measure/curve.ts");
  const { calibratePair } = await import("../../measure/calibrate-pair.ts");
  return { sampleCurves, calibratePair };
}

/** What is measured. */
interface CurveTask {
  readonly pair: AlignedPair;
  readonly alignment: AlignmentFound;
  readonly splits: ReadonlyMap<string, Dataset>;
  readonly repair: Repair | undefined;
  readonly points: number;
  readonly batch: number;
}

/** Names of results in a checkpoint: points of curves by split, line and λ, calibrations by split and place. */
const pointName = ({ split, line, lambda }: Pick<MeasuredPoint, "split" | "line" | "lambda">): string =>
  `${split} ${line} ${lambda}`;
const placeName = (split: string, place: Place): string => `${split} calibration ${place}`;

function checkpointOf(
  { signal }: CommandContext,
  { pair, splits, repair, points, batch }: CurveTask,
): Pick<CheckpointPlan, "of" | "count"> {
  const models = (repair === undefined ? 2 : 3) * points - 1;
  return {
    async of() {
      const of = new Map([["command", `curve of ${VERSION}`], ...(await pairDigests(pair, signal))]);
      for (const [split, data] of splits) of.set(`${split} images`, dataDigest(data));
      of.set("--points", String(points)).set("--batch", String(batch));
      of.set("--repair", JSON.stringify(repair?.settings ?? "none"));
      if (repair !== undefined) of.set("images for --repair", dataDigest(await repair.images()));
      return of;
    },
    count(names) {
      const done = [...names].filter((name) => !name.includes(" calibration "));
      return `${done.length} of ${models * splits.size} points`;
    },
  };
}

async function measure(
  { signal, onProgress }: CommandContext,
  { pair, alignment, splits, repair: planned, points, batch }: CurveTask,
  kept: KeptResults,
): Promise<CurveResult> {
  const { sampleCurves, calibratePair } = await loadRunning();
  const running = { repair: await planned?.of(pair), batch, signal, onProgress };
  const curves = await sampleCurves(pair, splits, {
    ...running,
    points,
    resume: [...kept.found.values()].filter((value): value is MeasuredPoint => Object(value).line !== undefined),
    onPoint: (point) => kept.keep(pointName(point), point),
  });
  const results: SplitResult[] = [];
  for (const [split, data] of splits) {
    const found = PLACES.map((place) => [place, kept.found.get(placeName(split, place)) as Calibration] as const);
    const calibration = await calibratePair(pair, data, {
      ...running,
      resume: new Map(found.filter(([, value]) => value !== undefined)),
      onPlace: (place, value) => kept.keep(placeName(split, place), value),
    });
    results.push({ split, data, curves: curves.get(split)!, calibration });
  }
  const tensors = await tensorSimilarities(pair, { signal });
  const repair = planned && { ...planned.settings, images: (await planned.images()).count };
  return { splits: results, tensors, alignment, repair };
}

const PLACES: readonly Place[] = ["a", "b", "naive", "aligned", "repaired"];

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
