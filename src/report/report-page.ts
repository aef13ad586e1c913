/** One HTML file with text, tables and charts: nothing in it is loaded from elsewhere. */

import { escapeMarkup } from "./markup.ts";

/** The content under one heading, in this order: text, figures, charts, tables. */
export interface ReportSection {
  readonly heading: string;
  /** Paragraphs of plain text. */
  readonly text?: readonly string[] | undefined;
  /** The few numbers that matter, large. */
  readonly figures?: readonly { readonly name: string; readonly value: string }[] | undefined;
  /** Texts of SVG files, as the charts here give them: put in as they are. */
  readonly charts?: readonly string[] | undefined;
  readonly tables?: readonly ReportTable[] | undefined;
}

/** A table of texts. */
export interface ReportTable {
  readonly caption?: string | undefined;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The last column is of long texts, which wrap; numbers and short words do not. */
  readonly wordy?: boolean | undefined;
}

const STYLE = `
:root { color-scheme: light dark; --paper: #f4f3f0; --card: #fcfcfb; --ink: #1a1a18; --soft: #595852; --edge: #dddcd7 }
@media (prefers-color-scheme: dark) { :root { --paper: #111110; --card: #1a1a19; --ink: #f2f1ec; --soft: #b3b2aa; --edge: #33332f } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif }
main { max-width: 1000px; margin: 0 auto; padding: 24px 12px 48px }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 8px; overflow-wrap: anywhere } h2 { font-size: 19px; margin: 32px 0 8px }
p { margin: 0 0 8px; color: var(--soft); overflow-wrap: anywhere }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 8px; margin: 12px 0 }
dl div, .table, .chart { background: var(--card); border: 1px solid var(--edge); border-radius: 8px }
dl div { padding: 8px 12px } dt { font-size: 13px; color: var(--soft) } dd { margin: 0; font-size: 21px; font-variant-numeric: tabular-nums }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 12px; margin: 12px 0; align-items: start }
.chart { overflow: hidden } .chart > svg { display: block; width: 100%; height: auto }
.table { overflow-x: auto; margin: 12px 0 } table { border-collapse: collapse; width: 100%; font-size: 14px }
caption { text-align: left; padding: 8px 12px 0; font-weight: 600 }
th, td { padding: 5px 12px; text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap } th { color: var(--soft); font-weight: 600; white-space: normal; vertical-align: bottom }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 5em }
tbody tr { border-top: 1px solid var(--edge) } .wordy td { vertical-align: top }
.wordy :is(th, td):last-child { text-align: left; white-space: normal; min-width: 6em; width: 100%; overflow-wrap: anywhere }
@media (max-width: 480px) { table { font-size: 13px } th, td { padding-inline: 4px } :is(th, td):first-child { padding-left: 10px } :is(th, td):last-child { padding-right: 10px } }
`;

/** What browsers shall refuse on the page: everything but its own styles and pictures. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/**
 * A self-contained page, light and dark. All text is escaped; charts must be SVG texts of this package (`TypeError`
 * for a string that is none).
 *
 * @example
 * const html = reportPage("A and B", [{ heading: "Curves", charts: [await curveChart(curves)] }]);
 */
export function reportPage(title: string, sections: readonly ReportSection[], intro: readonly string[] = []): string {
  return [
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeMarkup(title)}</title>`,
    `<style>${STYLE}</style>\n</head>\n<body>\n<main>`,
    `<h1>${escapeMarkup(title)}</h1>`,
    ...intro.map(paragraph),
    ...sections.map(section),
    "</main>\n</body>\n</html>\n",
  ].join("\n");
}

const paragraph = (text: string): string => `<p>${escapeMarkup(text)}</p>`;

function section({ heading, text = [], figures = [], charts = [], tables = [] }: ReportSection): string {
  return [
    `<section>\n<h2>${escapeMarkup(heading)}</h2>`,
    ...text.map(paragraph),
    ...(figures.length === 0 ? [] : ["<dl>", ...figures.map(figure), "</dl>"]),
    ...(charts.length === 0 ? [] : ['<div class="charts">', ...charts.map(figureOf), "</div>"]),
    ...tables.map(table),
    "</section>",
  ].join("\n");
}

/** Charts grow with the page, but not so far that their text shouts. */
const GROWTH = 1.35;

function figureOf(chart: string): string {
  const width = /^<svg [^>]*? width="(\d+)"/.exec(chart)?.[1];
  if (width === undefined) throw new TypeError(`chart "${chart.slice(0, 20)}", expected the text of an SVG`);
  return `<div class="chart" style="max-width: ${Math.round(GROWTH * Number(width))}px">${chart}</div>`;
}

const figure = ({ name, value }: { name: string; value: string }): string =>
  `<div><dt>${escapeMarkup(name)}</dt><dd>${escapeMarkup(value)}</dd></div>`;

function table({ caption, header, rows, wordy = false }: ReportTable): string {
  const row = (cells: readonly string[], tag: "th" | "td"): string =>
    `<tr>${cells.map((cell) => `<${tag}${tag === "th" ? ' scope="col"' : ""}>${escapeMarkup(cell)}</${tag}>`).join("")}</tr>`;
  const named = caption === undefined ? "" : `<caption>${escapeMarkup(caption)}</caption>`;
  const body = rows.map((cells) => row(cells, "td")).join("\n");
  // Focusable, so that a keyboard can scroll it.
  return `<div class="table${wordy ? " wordy" : ""}" tabindex="0" role="region" aria-label="${escapeMarkup(caption ?? header.join(", "))}"><table>${named}<thead>${row(header, "th")}</thead>\n<tbody>${body}</tbody></table></div>`;
}
