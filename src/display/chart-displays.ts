/** The charts that a notebook shows most: interpolation curves and matrices. */

import { type CurveChartOptions, curveChart, type PlottedCurve } from "../report/curve-chart.ts";
import { type HeatMapOptions, heatMapChart, type Matrix } from "../report/heat-map-chart.ts";
import { textTable } from "../report/text-table.ts";
import { createDisplay, type Display } from "./display.ts";
import { visibleText } from "./visible-text.ts";

/**
 * Loss and accuracy between two models, for a notebook: `await` it, as the last expression of a cell.
 *
 * @example
 * const points = [0, 0.5, 1].map((lambda) => ({ lambda, loss: 0.3, accuracy: 0.9 }));
 * await displayCurve([{ name: "aligned", points }], { title: "From A to B" });
 */
export async function displayCurve(curves: readonly PlottedCurve[], options: CurveChartOptions = {}): Promise<Display> {
  const visible = curves.map(({ name, points }) => ({ name: visibleText(name), points }));
  const svg = await curveChart(visible, visibleOptions(options));
  const rows = visible.flatMap(({ name, points }) =>
    points.map(({ lambda, loss, accuracy }) => [name, lambda.toFixed(3), loss.toFixed(4), accuracy.toFixed(4)]),
  );
  return createDisplay(svg, textTable(["curve", "lambda", "loss", "accuracy"], rows));
}

/**
 * A matrix as colours, for a notebook: `await` it, as the last expression of a cell.
 *
 * @throws {RangeError} for a matrix without values, or with a number of them that does not fit its sides.
 *
 * @example
 * await displayHeatMap({ rows: 2, columns: 2, values: [1, 0, 0, 1] }, { title: "Cost" });
 */
export async function displayHeatMap(matrix: Matrix, options: HeatMapOptions = {}): Promise<Display> {
  const shown = visibleOptions(options);
  const svg = await heatMapChart(matrix, shown);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < matrix.values.length; i++) {
    const value = matrix.values[i]!;
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const range = low <= high ? `from ${low.toPrecision(4)} to ${high.toPrecision(4)}` : "without a finite value";
  return createDisplay(svg, `${shown.title ?? "matrix"}: ${matrix.rows} × ${matrix.columns}, ${range}`);
}

/** Titles and labels made fit to be shown: names from files are put into them. */
function visibleOptions<Options extends object>(options: Options): Options {
  const entries = Object.entries(options).map(([key, value]) => [
    key,
    typeof value === "string" ? visibleText(value, 300) : value,
  ]);
  return Object.fromEntries(entries) as Options;
}
