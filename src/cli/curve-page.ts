/** `rebasin curve --html` and `--svg`. Loaded only when asked for: Plot comes with it. */

import type { CalibratedPlace } from "../measure/calibrate-pair.ts";
import type { CostMap, TensorSimilarity } from "../measure/tensor-similarity.ts";
import type { PlanAlignment } from "../plan/align-by-plan.ts";
import { barChart } from "../report/bar-chart.ts";
import { curveChart, type PlottedCurve } from "../report/curve-chart.ts";
import { heatMapChart } from "../report/heat-map-chart.ts";
import { reliabilityChart } from "../report/reliability-chart.ts";
import { type ReportSection, type ReportTable, reportPage } from "../report/report-page.ts";
import {
  BARRIER_HEADER,
  barrierRows,
  type CurveResult,
  curvesOf,
  howText,
  placeRows,
  type SplitResult,
} from "./curve-result.ts";
import { foundationsSection } from "./foundations.ts";

/** What a page shows in addition to its results. */
export interface PageFrame {
  readonly title: string;
  readonly settings: readonly (readonly [name: string, value: string])[];
}

/** Made for phones, grown on desks: text stays readable at 360 px. */
const WIDTH = 380;
const PLACES: readonly (readonly [CalibratedPlace, string])[] = [
  ["a", "A"],
  ["b", "B"],
  ["naive", "naive midpoint"],
  ["aligned", "aligned midpoint"],
  ["repaired", "repaired midpoint"],
];

/** All curves in one SVG; with several splits, one line for each of both. */
export async function curveSvg(result: CurveResult, title: string): Promise<string> {
  const many = result.splits.length > 1;
  const curves = result.splits.flatMap(({ split, curves }) =>
    curvesOf(curves).map((curve): PlottedCurve => ({ ...curve, name: many ? `${curve.name}, ${split}` : curve.name })),
  );
  const images = result.splits.map(({ split, data }) => `${data.count.toLocaleString("en")} ${split} images`);
  return curveChart(curves, { title, subtitle: [...images, howText(result)].join(", ") });
}

/** Losses after one temperature, as curves of a chart of losses. */
const temperedCurves = ({ curves, tempered }: SplitResult): PlottedCurve[] =>
  [...tempered].map(([line, losses]) => ({
    name: `${line}, tempered`,
    points: curves.aligned.points.map((point, i) => ({ ...point, loss: losses[i]! })),
  }));

async function splitSection(result: SplitResult): Promise<ReportSection> {
  const { split, data, curves } = result;
  const all = curvesOf(curves);
  return {
    heading: `Between A and B, on ${data.count.toLocaleString("en")} ${split} images`,
    charts: [
      await curveChart([...all, ...temperedCurves(result)], { title: "Loss", panels: ["loss"], width: WIDTH }),
      await curveChart(all, { title: "Accuracy", panels: ["accuracy"], width: WIDTH }),
    ],
    tables: [
      { caption: "Ends and midpoints", header: ["model", "loss (nats)", "accuracy"], rows: placeRows(result) },
      { caption: "Loss barriers (nats)", header: BARRIER_HEADER, rows: barrierRows(curves) },
    ],
  };
}

async function calibrationSection({ split, calibration }: SplitResult): Promise<ReportSection> {
  const models = PLACES.flatMap(([place, name]) => {
    const found = calibration[place];
    return found === undefined ? [] : [{ name, bins: found.bins, error: found.error }];
  });
  return {
    heading: `Calibration, ${split} images`,
    text: [
      "How often an answer is right, against how sure the model is of it. On the diagonal the two agree. Marks are as large as their share of the images; what less than one in a hundred shows is off the lines.",
    ],
    charts: [await reliabilityChart(models, { title: "Reliability", width: WIDTH })],
    tables: [
      {
        header: ["model", "expected calibration error"],
        rows: models.map(({ name, error }) => [name, error.toFixed(4)]),
      },
    ],
  };
}

async function alignmentSection(
  tensors: readonly TensorSimilarity[],
  { permutations }: PlanAlignment,
): Promise<ReportSection> {
  const moved: MovedUnits[] = Object.entries(permutations).map(([name, { size, moved: count }]) => {
    return { name, size, count, share: count / Math.max(size, 1) };
  });
  const similarities = barChart(
    {
      series: ["A and B", "A and π(B)"],
      rows: tensors.map(({ name, naive, aligned }) => ({ name, values: [naive, aligned] })),
      x: { label: "cosine similarity" },
    },
    { title: "How alike the tensors are", width: WIDTH },
  );
  const shares = barChart(
    {
      series: ["moved"],
      rows: moved.map(({ name, share }) => ({ name, values: [share] })),
      x: { label: "units that moved", domain: [0, 1], format: (share) => `${Math.round(100 * share)} %` },
    },
    { title: "How many units moved", width: WIDTH },
  );
  return {
    heading: "What aligning did",
    charts: await Promise.all([similarities, shares]),
    tables: [
      movedTable(moved),
      {
        caption: "Cosine similarity",
        header: ["tensor", "A and B", "A and π(B)"],
        rows: tensors.map(({ name, naive, aligned }) => [name, naive.toFixed(4), aligned.toFixed(4)]),
      },
    ],
  };
}

interface MovedUnits {
  readonly name: string;
  readonly size: number;
  readonly count: number;
  readonly share: number;
}

function movedTable(moved: readonly MovedUnits[]): ReportTable {
  const rows = moved.map(({ name, size, count, share }) => {
    return [name, String(size), String(count), `${(100 * share).toFixed(1)} %`];
  });
  return { header: ["permutation", "units", "moved", "share"], rows };
}

async function costSection(maps: readonly CostMap[], left: number): Promise<ReportSection> {
  const charts: string[] = [];
  for (const { name, size, values } of maps) {
    const labels = { rowLabel: "unit of A", columnLabel: "unit of π(B)", valueLabel: "inner product" };
    charts.push(await heatMapChart({ rows: size, columns: size, values }, { title: name, width: WIDTH, ...labels }));
  }
  const more = left === 0 ? [] : [`${left} more permutations are left out.`];
  return {
    heading: "Costs",
    text: [
      "What units of A have in common with units of the aligned B. Where aligning found partners, the diagonal stands out.",
      ...more,
    ],
    charts,
  };
}

/** The whole report. */
export async function curvePage(result: CurveResult, maps: readonly CostMap[], frame: PageFrame): Promise<string> {
  const sections: ReportSection[] = [];
  for (const split of result.splits) sections.push(await splitSection(split));
  for (const split of result.splits) sections.push(await calibrationSection(split));
  sections.push(await alignmentSection(result.tensors, result.alignment));
  if (maps.length > 0)
    sections.push(await costSection(maps, Object.keys(result.alignment.permutations).length - maps.length));
  sections.push(foundationsSection(result.foundations));
  sections.push(settingsSection(frame));
  return reportPage(frame.title, sections, [howText(result)]);
}

/** What was run, so that it can be run again. */
export function settingsSection({ settings }: PageFrame): ReportSection {
  return { heading: "Settings", tables: [{ header: ["setting", "value"], rows: settings, wordy: true }] };
}
