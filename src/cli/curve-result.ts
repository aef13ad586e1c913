/** What `rebasin curve` says of a pair: as JSON, as text, as CSV. */

import type { Dataset } from "../data/dataset.ts";
import { type Barrier, barrier, type Curve } from "../recipes/barrier.ts";
import type { CurvePair, Place } from "../recipes/curve.ts";
import type { TensorSimilarity } from "../recipes/tensor-similarity.ts";
import type { Calibration } from "../run/metrics.ts";
import { table } from "../text-table.ts";
import type { Alignment } from "./aligned-pair.ts";

/** One split, measured. */
export interface SplitResult {
  readonly split: string;
  readonly data: Dataset;
  readonly curves: CurvePair;
  readonly calibration: Record<Place, Calibration>;
}

/** Everything measured. */
export interface CurveResult {
  readonly splits: readonly SplitResult[];
  readonly tensors: readonly TensorSimilarity[];
  readonly alignment: Alignment;
}

const lineJson = (curve: Curve): { loss: number[]; accuracy: number[]; barrier: Barrier } => ({
  loss: curve.points.map(({ loss }) => loss),
  accuracy: curve.points.map(({ accuracy }) => accuracy),
  barrier: barrier(curve),
});

/** One key for each split; `barrier` is that of the aligned curve, and each curve has its own besides. */
export function curveJson({ splits, tensors, alignment }: CurveResult): Record<string, unknown> {
  const { how: _, ...aligned } = alignment;
  const entries = splits.map(({ split, data, curves: { naive, aligned }, calibration }) => [
    split,
    {
      images: data.count,
      lambda: aligned.points.map(({ lambda }) => lambda),
      naive: lineJson(naive),
      aligned: lineJson(aligned),
      barrier: barrier(aligned),
      calibration,
    },
  ]);
  return { ...Object.fromEntries(entries), alignment: aligned, tensors };
}

/** One row for each split and λ. */
export function curveCsv(splits: readonly SplitResult[]): string {
  const rows = splits.flatMap(({ split, curves: { naive, aligned } }) =>
    naive.points.map(({ lambda, loss, accuracy }, i) =>
      [split, lambda, loss, accuracy, aligned.points[i]!.loss, aligned.points[i]!.accuracy].join(","),
    ),
  );
  return `${["split,lambda,naive_loss,naive_accuracy,aligned_loss,aligned_accuracy", ...rows].join("\n")}\n`;
}

const four = (value: number): string => (Number.isFinite(value) ? value.toFixed(4) : "∞");

/** Ends and midpoints, where the curve has a point there: name, loss, accuracy. */
export function placeRows({ naive, aligned }: CurvePair): string[][] {
  const at = (curve: Curve, lambda: number) => curve.points.find((point) => point.lambda === lambda);
  const rows = [
    ["A", at(naive, 0)],
    ["B", at(naive, 1)],
    ["naive midpoint", at(naive, 0.5)],
    ["aligned midpoint", at(aligned, 0.5)],
  ] as const;
  return rows.flatMap(([name, point]) => (point === undefined ? [] : [[name, four(point.loss), four(point.accuracy)]]));
}

export const BARRIER_HEADER: readonly string[] = ["loss barrier", "max − mean of ends", "max above chord"];

export function barrierRows({ naive, aligned }: CurvePair): string[][] {
  return [naive, aligned].map((curve) => {
    const { maxMinusMeanEndpoints, maxAboveChord } = barrier(curve);
    return [curve.name, four(maxMinusMeanEndpoints), four(maxAboveChord)];
  });
}

/** For people. */
export function curveText({ splits, alignment }: CurveResult): string {
  const parts = splits.map(({ split, data, curves }) =>
    [
      `${data.count} ${split} images, ${curves.naive.points.length} points a curve`,
      "",
      table(["", "loss", "accuracy"], placeRows(curves)),
      "",
      table(BARRIER_HEADER, barrierRows(curves)),
    ].join("\n"),
  );
  return [alignment.how, ...parts].join("\n\n");
}
