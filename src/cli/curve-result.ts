/** What `rebasin curve` reports of a pair: as JSON, as text, as CSV. */

import { visible } from "../base/visible.ts";
import type { Dataset } from "../data/dataset.ts";
import { type Barrier, barrier, type Curve } from "../measure/barrier.ts";
import type { Calibrations } from "../measure/calibrate-pair.ts";
import type { CurvePair, Line } from "../measure/curve.ts";
import type { TensorSimilarity } from "../measure/tensor-similarity.ts";
import type { PlanAlignment } from "../plan/align-by-plan.ts";
import type { PlannedRepairSettings } from "../plan/repair-by-plan.ts";
import { textTable } from "../report/text-table.ts";
import { bridgeLines } from "./bridging.ts";
import type { Foundations } from "./foundations.ts";
import { basisLines } from "./matching.ts";

/** One split, measured. */
export interface SplitResult {
  readonly split: string;
  readonly data: Dataset;
  readonly curves: CurvePair;
  readonly calibration: Calibrations;
  /** Losses after one temperature, by line, λ rising. */
  readonly tempered: ReadonlyMap<Line, readonly number[]>;
}

/** Everything measured. */
export interface CurveResult {
  readonly splits: readonly SplitResult[];
  readonly tensors: readonly TensorSimilarity[];
  readonly alignment: PlanAlignment;
  readonly foundations: Foundations;
  /** How the repaired curves were repaired, where there are such. */
  readonly repair?: (PlannedRepairSettings & { readonly images: number }) | undefined;
}

/** The curves in the order in which they are shown. */
export const curvesOf = ({ naive, aligned, repaired }: CurvePair): Curve[] => [
  naive,
  aligned,
  ...(repaired === undefined ? [] : [repaired]),
];

/** How the pair was aligned, and how merges were repaired. */
export function howText({ alignment, repair }: CurveResult): string {
  if (repair === undefined) return alignment.how;
  const { kind, at = "linear", images } = repair;
  const where = at === "linear" ? "" : ` at ${at}`;
  return `${alignment.how}, repaired by ${kind}${where} over ${images.toLocaleString("en")} training images`;
}

const lineJson = (curve: Curve): { loss: number[]; accuracy: number[]; barrier: Barrier } => ({
  loss: curve.points.map(({ loss }) => loss),
  accuracy: curve.points.map(({ accuracy }) => accuracy),
  barrier: barrier(curve),
});

/** One key for each split; `barrier` is that of the aligned curve, and each curve also has its own. */
export function curveJson({ splits, tensors, alignment, repair }: CurveResult): Record<string, unknown> {
  const { how: _, ...aligned } = alignment;
  const entries = splits.map(({ split, data, curves, calibration, tempered }) => [
    split,
    {
      images: data.count,
      lambda: curves.aligned.points.map(({ lambda }) => lambda),
      ...Object.fromEntries(
        curvesOf(curves).map((curve) => [
          curve.name,
          { ...lineJson(curve), lossTempered: tempered.get(curve.name as Line) },
        ]),
      ),
      barrier: barrier(curves.aligned),
      calibration,
    },
  ]);
  return { ...Object.fromEntries(entries), alignment: aligned, repair, tensors };
}

/** One row for each split and λ. */
export function curveCsv(splits: readonly SplitResult[]): string {
  const [first] = splits as [SplitResult];
  const names = [
    ...curvesOf(first.curves).flatMap(({ name }) => [`${name}_loss`, `${name}_accuracy`]),
    ...[...first.tempered.keys()].map((line) => `${line}_loss_tempered`),
  ];
  const rows = splits.flatMap(({ split, curves, tempered }) =>
    curves.naive.points.map(({ lambda }, i) => {
      const measured = curvesOf(curves).flatMap(({ points }) => [points[i]!.loss, points[i]!.accuracy]);
      return [split, lambda, ...measured, ...[...tempered.values()].map((losses) => losses[i]!)].join(",");
    }),
  );
  return `${[["split", "lambda", ...names].join(","), ...rows].join("\n")}\n`;
}

const four = (value: number): string => (Number.isFinite(value) ? value.toFixed(4) : "∞");

/** Ends and midpoints, where the curve has a point there: name, loss, accuracy. */
export function placeRows({ curves, tempered }: Pick<SplitResult, "curves" | "tempered">): string[][] {
  const at = (curve: Curve, lambda: number) => curve.points.find((point) => point.lambda === lambda);
  const rows = [
    ["A", at(curves.naive, 0)] as const,
    ["B", at(curves.naive, 1)] as const,
    ...curvesOf(curves).map((curve) => [`${curve.name} midpoint`, at(curve, 0.5)] as const),
  ];
  const middle = curves.aligned.points.findIndex(({ lambda }) => lambda === 0.5);
  return [
    ...rows.flatMap(([name, point]) => (point === undefined ? [] : [[name, four(point.loss), four(point.accuracy)]])),
    ...(middle < 0 ? [] : [...tempered].map(([line, losses]) => [`${line}, tempered`, four(losses[middle]!), ""])),
  ];
}

export const BARRIER_HEADER: readonly string[] = ["loss barrier", "max − mean of ends", "max above chord"];

export function barrierRows(curves: CurvePair): string[][] {
  return curvesOf(curves).map((curve) => {
    const { maxMinusMeanEndpoints, maxAboveChord } = barrier(curve);
    return [curve.name, four(maxMinusMeanEndpoints), four(maxAboveChord)];
  });
}

/** For people. */
export function curveText(result: CurveResult): string {
  const { splits, alignment } = result;
  const { matching } = alignment;
  const parts = splits.map(({ split, data, curves, tempered }) =>
    [
      `${data.count} ${split} images, ${curves.naive.points.length} points a curve`,
      "",
      textTable(["", "loss", "accuracy"], placeRows({ curves, tempered })),
      "",
      textTable(BARRIER_HEADER, barrierRows(curves)),
    ].join("\n"),
  );
  const objective =
    matching === undefined
      ? ""
      : `\nobjective ${matching.identityObjective.toPrecision(6)} before, ${matching.objective.toPrecision(6)} aligned`;
  const notes = bridgeLines(alignment.notes).map((line) => `\n${line}`);
  const rests = basisLines(result.foundations).map((line) => `\n${line}`);
  return [`${visible(howText(result))}${objective}${[...notes, ...rests].join("")}`, ...parts].join("\n\n");
}
