/** `rebasin contour A B --data DIR` */

import { VERSION } from "../../base/version.ts";
import { visible } from "../../base/visible.ts";
import type { Contour, ContourPoint } from "../../measure/contour.ts";
import type { Split } from "../../node/data-folder.ts";
import { saveText } from "../../node/file-sink.ts";
import { withPlanPair } from "../../plan/align-by-plan.ts";
import { textTable } from "../../report/text-table.ts";
import {
  checkpointPath,
  PERMUTATIONS_OPTION,
  type PermutationsValues,
  permutationsInput,
  searchCheckpoint,
} from "../aligned-pair.ts";
import { bridgeLines } from "../bridging.ts";
import type { Command, CommandContext } from "../command.ts";
import { COMMON_OF_SAMPLES } from "../common-options.ts";
import { dataDigest, pairDigests } from "../digests.ts";
import { type Foundations, foundationsOf } from "../foundations.ts";
import { BATCH_OPTION, DATA_OPTIONS, type DataValues, readSplit, splitOption } from "../image-data.ts";
import { CHECKPOINT_OPTION, type ResultsOf, withCheckpoint } from "../kept-results.ts";
import { basisLines, MATCH_OPTIONS, type MatchValues } from "../matching.ts";
import { checkLabelsFit } from "../measured.ts";
import { checkOutputs, PREFIX_OPTIONS, type PrefixValues } from "../models.ts";
import { integer, required, text } from "../option.ts";
import { alignOf, planOf, settingOf } from "../planning.ts";
import { checkRuntime } from "../runtimes.ts";
import { savedLines, settingsOf } from "./curve.ts";

const OUTPUTS = ["csv", "svg", "html"] as const;

interface ContourValues extends DataValues, Omit<MatchValues, "batch">, PrefixValues, PermutationsValues {
  readonly data: string;
  readonly split: Split;
  readonly points: number;
  readonly csv: string | undefined;
  readonly svg: string | undefined;
  readonly html: string | undefined;
  readonly batch: number;
}

export const contour: Command<ContourValues> = {
  positionals: ["A", "B"],
  options: {
    ...DATA_OPTIONS,
    data: required(DATA_OPTIONS.data),
    limit: { ...DATA_OPTIONS.limit, help: "only the first N images", default: "1000" },
    split: splitOption("test"),
    points: integer({ value: "N", help: "points on each side of the grid", default: 21, min: 2, max: 1001 }),
    csv: text({ value: "OUT", help: "write the grid as CSV", group: "output" }),
    svg: text({ value: "OUT", help: "write a plot of the loss", group: "output" }),
    html: text({ value: "OUT", help: "write a page with the plot and the settings", group: "output" }),
    permutations: PERMUTATIONS_OPTION,
    ...MATCH_OPTIONS,
    ...PREFIX_OPTIONS,
    // The straight-through search has options of these names, too; here they are of what is measured.
    batch: BATCH_OPTION,
    checkpoint: CHECKPOINT_OPTION,
  },
  common: COMMON_OF_SAMPLES,
  examples: [
    "rebasin contour a.safetensors b.safetensors --data fashion-mnist --svg contour.svg",
    "rebasin contour a.safetensors b.safetensors --data fashion-mnist --points 11 --limit 500 --json",
  ],
  async run(context) {
    const { options, positionals, signal, onProgress } = context;
    const outputs = OUTPUTS.flatMap((kind) => options[kind] ?? []);
    const { points, batch, split } = options;
    const inputs = [...positionals, ...permutationsInput(context)];
    await checkOutputs(outputs, inputs, options.force);
    const path = await checkpointPath(context, outputs, inputs);
    // Before any work: the peers may be missing.
    await checkRuntime(context.positionals);
    const { sampleContour } = await import("../../measure/contour.ts");
    const data = await readSplit(context, split);
    const plan = planOf(context, alignOf({ ...options, batch: undefined }));
    return withPlanPair(
      await settingOf(context, plan, searchCheckpoint(options)),
      (pair, { how, notes }) => {
        const of = async (): Promise<ResultsOf> =>
          new Map([
            ["command", `contour of ${VERSION}`],
            ...(await pairDigests(pair, signal)),
            ["images", dataDigest(data)],
            ["--points", String(points)],
            ["--batch", String(batch)],
          ]);
        return withCheckpoint(context, { path, inputs, of, count: countOf(points ** 2) }, async (kept) => {
          const found = await sampleContour(pair, data, {
            ...{ points, batch, signal, onProgress },
            resume: kept.found.values() as Iterable<ContourPoint>,
            onPoint: (point) => kept.keep(`${point.x} ${point.y}`, point),
          });
          const subtitle = `${data.count.toLocaleString("en")} ${split} images, ${how}`;
          const foundations = await foundationsOf(pair);
          await write(context, { found, subtitle, foundations }, inputs);
          const said = [...bridgeLines(notes), "", ...basisLines(foundations), ...savedLines(outputs)];
          const text = [contourText(found, subtitle), ...said].join("\n");
          return { json: { ...contourJson(found, data.count), notes, graph: foundations }, text };
        });
      },
      { check: (models) => checkLabelsFit(models, [data]) },
    );
  },
};

/** How many of all points are kept. */
const countOf =
  (all: number) =>
  (names: Iterable<string>): string =>
    `${[...names].length} of ${all} points`;

/** What is shown. */
interface ContourResult {
  readonly found: Contour;
  readonly subtitle: string;
  readonly foundations: Foundations;
}

async function write(
  context: CommandContext<ContourValues>,
  { found, subtitle, foundations }: ContourResult,
  inputs: string[],
): Promise<void> {
  const { options, positionals } = context;
  const save = async (kind: (typeof OUTPUTS)[number], make: () => string | Promise<string>): Promise<void> => {
    const path = options[kind];
    if (path !== undefined) await saveText(await make(), path, { force: options.force, inputs });
  };
  await save("csv", () => contourCsv(found));
  await save("svg", async () => (await import("../contour-page.ts")).contourSvg(found, subtitle));
  await save("html", async () => {
    const { contourPage } = await import("../contour-page.ts");
    const title = `${positionals[0]} and ${positionals[1]}`;
    return contourPage(found, subtitle, { title, foundations, settings: settingsOf(context, "contour") });
  });
}

/** Rows of the grid as separate arrays: `loss[row][column]`. */
function contourJson({ x, y, loss, accuracy, points }: Contour, images: number): Record<string, unknown> {
  const rows = (values: readonly number[]): number[][] =>
    y.map((_, i) => values.slice(i * x.length, (i + 1) * x.length));
  return { images, x, y, loss: rows(loss), accuracy: rows(accuracy), points };
}

function contourCsv({ x, y, loss, accuracy }: Contour): string {
  const rows = loss.map((value, i) => [x[i % x.length], y[Math.floor(i / x.length)], value, accuracy[i]].join(","));
  return `${["x,y,loss,accuracy", ...rows].join("\n")}\n`;
}

function contourText({ x, y, loss, points }: Contour, subtitle: string): string {
  const finite = loss.filter(Number.isFinite);
  const lowest = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const at = loss.indexOf(lowest);
  const place = (name: string, where: { x: number; y: number }): string[] => [
    name,
    where.x.toFixed(3),
    where.y.toFixed(3),
  ];
  const lines = [
    visible(subtitle),
    "",
    `${x.length}×${y.length} points, in lengths of B − A:`,
    "",
    textTable(["", "x", "y"], [place("A", points.a), place("B", points.b), place("π(B)", points.aligned)]),
  ];
  if (at < 0) return [...lines, "", "no loss on the grid is finite"].join("\n");
  const lowestAt = { x: x[at % x.length]!, y: y[Math.floor(at / x.length)]! };
  return [
    ...lines,
    "",
    `lowest loss ${lowest.toFixed(4)} at (${lowestAt.x.toFixed(2)}, ${lowestAt.y.toFixed(2)})`,
  ].join("\n");
}
