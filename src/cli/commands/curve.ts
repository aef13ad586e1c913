/** `rebasin curve A B --data DIR` */

import type { Dataset } from "../../data/dataset.ts";
import { saveText } from "../../node/save-text.ts";
import type { AlignedPair } from "../../recipes/curve.ts";
import { costMaps, tensorSimilarities } from "../../recipes/tensor-similarity.ts";
import { withTensorFlow } from "../../run/peers.ts";
import { VERSION } from "../../version.ts";
import { type Alignment, PERMUTATIONS_OPTION, withAlignedPair } from "../aligned-pair.ts";
import { type Command, type CommandContext, numberOption } from "../command.ts";
import { type CurveResult, curveCsv, curveJson, curveText, type SplitResult } from "../curve-result.ts";
import { DATA_OPTIONS, readSplit, SPLITS, splitsOption } from "../image-data.ts";
import { MATCH_OPTIONS } from "../matching.ts";
import { checkOutputs } from "../models.ts";

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
    batch: { value: "N", help: "images at a time", default: "250" },
    csv: { value: "OUT", help: "write the points as CSV" },
    svg: { value: "OUT", help: "write a plot of the curves" },
    html: { value: "OUT", help: "write a report: curves, barriers, calibration, likeness of tensors, costs" },
    permutations: PERMUTATIONS_OPTION,
    ...MATCH_OPTIONS,
  },
  examples: [
    "rebasin curve a.safetensors b.safetensors --data fashion-mnist --html report.html",
    "rebasin curve a.safetensors b.safetensors --data fashion-mnist --split both --permutations perms.safetensors --json",
    "rebasin curve a.safetensors b.safetensors --data fashion-mnist --input-size 14 --limit 1000 --svg curve.svg",
  ],
  async run(context) {
    const outputs = OUTPUTS.flatMap((kind) => context.values.get(kind) ?? []);
    const points = numberOption(context, "points", { min: 2, max: 10_001, integer: true })!;
    const batch = numberOption(context, "batch", { min: 1, max: 1e6, integer: true })!;
    const inputs = inputsOf(context);
    await checkOutputs(outputs, inputs, context.flags.has("force"));
    // Before any work: the peers may be missing.
    await loadRunning();
    const splits = new Map<string, Dataset>();
    for (const split of splitsOption(context)) splits.set(split, await readSplit(context, split));
    return withAlignedPair(context, async (pair, alignment) => {
      const result = await measure(context, pair, alignment, splits, { points, batch });
      await write(context, pair, result, inputs);
      const text = [curveText(result), ...savedLines(outputs)].join("\n");
      return { json: curveJson(result), text };
    });
  },
};

const OUTPUTS = ["csv", "svg", "html"] as const;

const inputsOf = ({ positionals, values }: CommandContext): string[] => [
  ...positionals,
  ...["permutations"].flatMap((option) => values.get(option) ?? []),
];

const loadRunning = () => withTensorFlow(() => import("../../recipes/curve.ts"));

async function measure(
  { signal, onProgress }: CommandContext,
  pair: AlignedPair,
  alignment: Alignment,
  splits: ReadonlyMap<string, Dataset>,
  { points, batch }: { points: number; batch: number },
): Promise<CurveResult> {
  const { sampleCurves, calibratePair } = await loadRunning();
  const curves = await sampleCurves(pair, splits, { points, batch, signal, onProgress });
  const results: SplitResult[] = [];
  for (const [split, data] of splits) {
    const calibration = await calibratePair(pair, data, { batch, signal, onProgress });
    results.push({ split, data, curves: curves.get(split)!, calibration });
  }
  return { splits: results, tensors: await tensorSimilarities(pair, { signal }), alignment };
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
  const outputs = new Set<string>(OUTPUTS);
  const options = [...values].filter(([name]) => !outputs.has(name));
  return [["rebasin", VERSION], ["command", command], ["A", positionals[0]!], ["B", positionals[1]!], ...options];
}

/** What was written, after an empty line. */
export function savedLines(outputs: readonly string[]): string[] {
  return outputs.map((output, i) => `${i === 0 ? "\n" : ""}saved      ${output}`);
}
