/** SVG as text, in the colours of the charts. */

import { escapeMarkup } from "../report/markup.ts";
import { CHART_STYLE } from "../report/style.ts";
import { columnsOf } from "./visible-text.ts";

/** What a piece of text is: a headline, a caption, or a cell of a table in a monospaced font. */
export type TextKind = "title" | "label" | "caption" | "cell" | "head";

/** Pixels of one column of a cell's font, at most, and of one line. */
const COLUMN = 7.3;
export const LINE = 19;
export const EDGE = 16;

// Every rule names the class of the charts, since several SVGs may stand in one page.
const CELL_STYLE = `
.rebasin-chart text.cell, .rebasin-chart text.head { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre }
.rebasin-chart text.cell { fill: #1a1a18 } .rebasin-chart .frame { fill: none; stroke: #8a8983; stroke-width: 1 }
.rebasin-chart .units { fill: #1f6fc5 }
@media (prefers-color-scheme: dark) { .rebasin-chart text.cell { fill: #f2f1ec } .rebasin-chart .units { fill: #5aa2ef } }
`;

/** A line of text, escaped, its baseline at `y`. */
export function textAt(x: number, y: number, kind: TextKind, text: string, anchor: "start" | "end" = "start"): string {
  const end = anchor === "end" ? ' text-anchor="end"' : "";
  return `<text class="${kind}" x="${x}" y="${y}"${end}>${escapeMarkup(text)}</text>`;
}

/** A whole picture; `label` describes it to screen readers. */
export function picture(width: number, height: number, label: string, children: readonly string[]): string {
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="rebasin-chart" ${size} role="img" aria-label="${escapeMarkup(label)}">`,
    `<style>${CHART_STYLE}${CELL_STYLE}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    ...children,
    "</svg>\n",
  ].join("\n");
}

/** A table: its header and its rows, all visible text. */
export interface Cells {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns of numbers, which end together. */
  readonly numbers: ReadonlySet<number>;
}

/** A drawn table and where it ends. */
export interface DrawnTable {
  readonly children: readonly string[];
  readonly right: number;
  readonly bottom: number;
}

/** Draws a table whose top left corner is at `EDGE`, `top`. */
export function drawTable({ header, rows, numbers }: Cells, top: number): DrawnTable {
  const widths = header.map((title, column) =>
    Math.ceil(COLUMN * rows.reduce((most, row) => Math.max(most, columnsOf(row[column]!)), columnsOf(title))),
  );
  const lefts = widths.map((_, column) =>
    widths.slice(0, column).reduce((sum, width) => sum + width + 2 * COLUMN, EDGE),
  );
  const line = (row: readonly string[], y: number, kind: TextKind): string[] =>
    row.flatMap((cell, column) => {
      if (cell === "") return [];
      const [left, width] = [Math.round(lefts[column]!), widths[column]!];
      return numbers.has(column) ? [textAt(left + width, y, kind, cell, "end")] : [textAt(left, y, kind, cell)];
    });
  const children = [header, ...rows].flatMap((row, at) =>
    line(row, top + LINE * (at + 1) - 5, at === 0 ? "head" : "cell"),
  );
  const last = header.length - 1;
  return { children, right: Math.round(lefts[last]!) + widths[last]!, bottom: top + LINE * (rows.length + 1) };
}

/** Pixels of a line of a proportional font, at most. */
export function widthOf(text: string, size: number): number {
  return Math.ceil(0.6 * size * columnsOf(text));
}

/** `rows` cut to `most`, and a last line with the number left out. */
export function firstRows<T>(rows: readonly T[], most: number): { shown: readonly T[]; more: string } {
  if (rows.length <= most) return { shown: rows, more: "" };
  return { shown: rows.slice(0, most), more: `… and ${rows.length - most} more` };
}
