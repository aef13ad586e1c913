/** Named values in rows: bars for one series, dots for several. */

import { type ChartOptions, COLOURS, type Drawing, drawChart, symbolOf } from "./chart.ts";
import type { ChartAxis } from "./line-chart.ts";

/** Rows of named values. */
export interface BarChart {
  /** Names of the values of a row. */
  readonly series: readonly string[];
  /** One value for each series; NaN where there is none. Names may repeat. */
  readonly rows: readonly { readonly name: string; readonly values: readonly number[] }[];
  readonly x?: ChartAxis | undefined;
}

const ROW = 20;
const LONGEST = 24;

interface Mark {
  readonly row: string;
  readonly value: number;
  readonly title: string;
}

/**
 * One row for each name, as the text of an SVG file: bars from 0, or a dot for each of several series.
 *
 * @example
 * const svg = await barChart({ series: ["naive", "aligned"], rows: [{ name: "layers.0.weight", values: [0.1, 0.6] }] }, { title: "Cosine" });
 */
export async function barChart(chart: BarChart, options: ChartOptions = {}): Promise<string> {
  const height = ROW * chart.rows.length + 30;
  const panel = {
    label: chart.x?.label ?? "",
    height,
    draw: (drawing: Drawing, width: number) => drawRows(drawing, chart, { width, height }),
  };
  const legend = chart.series.length < 2 ? [] : chart.series.map((name, index) => ({ name, index }));
  const width = options.width ?? 420;
  return drawChart({ ...options, width }, { panels: [panel], legend, width });
}

function drawRows(
  { Plot, document }: Drawing,
  { series, rows, x = {} }: BarChart,
  size: { width: number; height: number },
): Element {
  const longest = rows.reduce((most, { name }) => Math.max(most, name.length), 1);
  const lists = series.map((_, index) => marksOf({ series, rows }, index));
  const values = lists.flat().map(({ value }) => value);
  const channels = { x: "value", y: "row", title: "title" } as const;
  const domain = x.domain ?? [Math.min(0, ...values), Math.max(0, ...values)];
  return Plot.plot({
    document,
    ...size,
    ...{ marginLeft: Math.min(longest, LONGEST) * 6.8 + 14, marginRight: 18, marginTop: 4, marginBottom: 26 },
    x: {
      domain: domain[0] < domain[1] ? [...domain] : [0, 1],
      nice: x.domain === undefined,
      label: null,
      tickSpacing: 64,
      ...(x.format ? { tickFormat: x.format } : {}),
    },
    y: {
      domain: rows.map((_, row) => String(row)),
      label: null,
      tickFormat: (row) => label(rows, row),
      tickSize: 0,
      padding: 0.3,
    },
    marks: [
      Plot.gridX({ tickSpacing: 64 }),
      Plot.ruleX([0]),
      ...lists.map((marks, index) => {
        const className = `c${index % COLOURS} filled`;
        if (series.length === 1) return Plot.barX(marks, { ...channels, className });
        return Plot.dot(marks, { ...channels, symbol: symbolOf(index), r: 4, className });
      }),
    ],
  });
}

/** Rows are named by number: names may repeat, and long ones are cut on the axis. */
function label(rows: BarChart["rows"], row: string): string {
  const { name } = rows[Number(row)]!;
  return name.length > LONGEST ? `…${name.slice(1 - LONGEST)}` : name;
}

function marksOf({ series, rows }: BarChart, index: number): Mark[] {
  return rows.flatMap(({ name, values }, row) => {
    const value = values[index] ?? Number.NaN;
    const title = `${name}${series.length > 1 ? `, ${series[index]}` : ""}: ${Number(value.toPrecision(5))}`;
    return Number.isFinite(value) ? [{ row: String(row), value, title }] : [];
  });
}
