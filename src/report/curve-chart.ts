/** Interpolation curves: a panel of loss, a panel of accuracy. */

import { type ChartOptions, drawChart, type Panel } from "./chart.ts";
import { linePanel } from "./line-chart.ts";

/** What the model at `lambda` does: 0 is A, 1 is B. */
export interface PlottedPoint {
  readonly lambda: number;
  /** Nats. */
  readonly loss: number;
  /** From 0 to 1. */
  readonly accuracy: number;
}

/** One line of a plot. */
export interface PlottedCurve {
  readonly name: string;
  readonly points: readonly PlottedPoint[];
}

export interface CurveChartOptions extends ChartOptions {
  /** Which panels; default both. */
  readonly panels?: readonly ("loss" | "accuracy")[] | undefined;
}

const ENDS = new Map([
  [0, "0 · A"],
  [1, "1 · B"],
]);

function curvePanel(curves: readonly PlottedCurve[], of: "loss" | "accuracy"): Panel {
  const series = curves.map(({ name, points }) => ({
    name,
    points: points.map((point) => ({
      x: point.lambda,
      y: point[of],
      note: `${name}, λ = ${point.lambda.toFixed(3)}: ${of} ${point[of].toFixed(4)}`,
    })),
  }));
  const x = {
    label: "λ, share of B",
    domain: [0, 1] as const,
    ticks: [0, 0.25, 0.5, 0.75, 1],
    format: (value: number) => ENDS.get(value) ?? String(value),
  };
  if (of === "loss") return linePanel("loss (nats)", { series, x });
  const y = { format: (value: number) => `${Math.round(1000 * value) / 10} %` };
  return linePanel("accuracy", { series, x, y });
}

/**
 * Loss and accuracy between two models, as the text of an SVG file. Both scales start at 0; points without a finite
 * value are left out.
 *
 * @example
 * const svg = await curveChart([naive, aligned], { title: "From model A to model B", subtitle: "1,000 images" });
 */
export async function curveChart(curves: readonly PlottedCurve[], options: CurveChartOptions = {}): Promise<string> {
  const { panels = ["loss", "accuracy"] } = options;
  return drawChart(options, {
    panels: panels.map((of) => curvePanel(curves, of)),
    legend: curves.map(({ name }, index) => ({ name, index })),
    width: panels.length > 1 ? 880 : 420,
  });
}
