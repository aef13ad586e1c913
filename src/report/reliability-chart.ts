/** Reliability diagrams: how often a model is right, against how sure it is. */

import { type ChartOptions, drawChart } from "./chart.ts";
import { linePanel } from "./line-chart.ts";

/** Bins of predictions by confidence. */
export interface Reliability {
  readonly name: string;
  /** Mean confidence and share of right answers of each bin, both from 0 to 1; bins without images are left out. */
  readonly bins: readonly { readonly confidence: number; readonly accuracy: number; readonly count: number }[];
}

/**
 * One line for each model. Dots are as large as the share of the images in their bin; bins of less than a hundredth are
 * off the line. On the dashed diagonal, accuracy equals confidence. The text of an SVG file.
 *
 * @example
 * const svg = await reliabilityChart([{ name: "A (ECE 0.041)", bins }], { title: "Calibration" });
 */
export async function reliabilityChart(models: readonly Reliability[], options: ChartOptions = {}): Promise<string> {
  const percent = (value: number): string => `${Math.round(100 * value)} %`;
  const axis = { domain: [0, 1] as const, ticks: [0, 0.25, 0.5, 0.75, 1], format: percent };
  const series = models.map(({ name, bins }) => ({
    name,
    points: bins
      .filter(({ count }) => count > 0)
      .map(({ confidence, accuracy, count }) => ({
        x: confidence,
        y: accuracy,
        weight: count / bins.reduce((sum, bin) => sum + bin.count, 0),
        note: `${name}: ${count} images, ${percent(confidence)} sure, ${percent(accuracy)} right`,
      })),
  }));
  const guides = [[0, 1].map((value) => ({ x: value, y: value }))];
  const width = options.width ?? 420;
  const panel = linePanel("right answers", {
    series,
    guides,
    height: 340,
    x: { ...axis, label: "confidence" },
    y: axis,
  });
  const legend = models.map(({ name }, index) => ({ name, index }));
  return drawChart({ ...options, width }, { panels: [panel], legend, width });
}
