/**
 * What all charts share: options, where their elements come from, and the text of a finished SVG. What names Plot is
 * internal: its types are not there where the package is installed.
 */

import { svgText } from "./markup.ts";
import { CHART_STYLE } from "./style.ts";

/** The parts of @observablehq/plot used here. @internal */
export type Plot = typeof import("@observablehq/plot");

/** What every chart takes. */
export interface ChartOptions {
  /** Bold line above the chart; the chart's name for screen readers too. */
  readonly title?: string | undefined;
  readonly subtitle?: string | undefined;
  /**
   * In CSS pixels, at least 240. Panels are side by side from 640 on, else below each other. Default 880, or 420
   * for charts of one panel.
   */
  readonly width?: number | undefined;
  /** Makes the elements, which are never attached. Default: the page's, or linkedom's where there is no page. */
  readonly document?: Document | undefined;
}

/** What draws: Plot, and a document for its elements. @internal */
export interface Drawing {
  readonly Plot: Plot;
  readonly document: Document;
}

/** One set of axes. `draw` gives an SVG element of exactly this size. @internal */
export interface Panel {
  /** Bold, above the panel: what is on its y axis. */
  readonly label: string;
  readonly height: number;
  draw(drawing: Drawing, width: number): Element;
}

/** One entry of a legend, in the colour and with the symbol of a series' index. */
export interface LegendEntry {
  readonly name: string;
  readonly index: number;
}

const SVG = "http://www.w3.org/2000/svg";
const NARROWEST = 240;
/** From this width on panels are side by side. */
const WIDE = 640;
const EDGE = 16;
const GAP = 40;
/**
 * Mean width of a character of the fonts in use, as a share of their size. Plots are laid out without measuring
 * text.
 */
const CHARACTER = 0.56;

/** Loads what draws: Plot always, a document only where there is none. */
async function startDrawing(given: Document | undefined): Promise<Drawing> {
  const Plot = await import("@observablehq/plot");
  const document = given ?? (typeof globalThis.document === "undefined" ? await makeDocument() : globalThis.document);
  return { Plot, document };
}

async function makeDocument(): Promise<Document> {
  const { parseHTML } = await import("linkedom/worker");
  return parseHTML("<!doctype html><html><head></head><body></body></html>").document as unknown as Document;
}

/** An SVG element with attributes and children. */
export function element(
  document: Document,
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  children: readonly (Element | string)[] = [],
): Element {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  for (const child of children) made.appendChild(typeof child === "string" ? document.createTextNode(child) : child);
  return made;
}

/** Words of `text` in lines of at most `width` pixels at a font size; a longer word has its own line. */
function wrapText(text: string, width: number, size: number): string[] {
  const lines: string[] = [];
  const fits = Math.floor(width / (CHARACTER * size));
  for (const word of text.split(/\s+/).filter((part) => part !== "")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= fits) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/**
 * Plot's drawing as a part of a chart, without its style sheet, which an SVG inside of another does not need. The names
 * of its marks go too: a chart is one image to a screen reader, and names inside of one are an error.
 */
function asPart(drawn: Element): Element {
  drawn.querySelector("style")?.remove();
  for (const named of [drawn, ...drawn.querySelectorAll("[aria-label]")]) named.removeAttribute("aria-label");
  return drawn;
}

/** Symbol and line of a series, as drawn in the legend, centred on 0, 0. */
function legendKey({ Plot, document }: Drawing, index: number): Element {
  const line = element(document, "line", { x1: -12, x2: 12, class: "line" });
  const symbol = asPart(
    Plot.plot({
      document,
      ...{ width: 24, height: 24, margin: 0, axis: null },
      x: { domain: [0, 1] },
      y: { domain: [0, 1] },
      marks: [Plot.dot([[0.5, 0.5]], { symbol: symbolOf(index), r: 4, className: "dot" })],
    }),
  );
  for (const [name, value] of [
    ["x", -12],
    ["y", -12],
  ] as const)
    symbol.setAttribute(name, String(value));
  symbol.removeAttribute("class");
  return element(document, "g", { class: `c${index % COLOURS}` }, [line, symbol]);
}

/** Series colours before they repeat. */
export const COLOURS = 6;
const SYMBOLS = ["circle", "square", "triangle", "diamond", "star", "wye"] as const;

/** The symbol of a series: series differ by more than their colour. */
export const symbolOf = (index: number): (typeof SYMBOLS)[number] => SYMBOLS[index % SYMBOLS.length]!;

/**
 * A chart from its panels, as the text of an SVG file: no scripts, no outside fonts or images; colours follow
 * `prefers-color-scheme`.
 *
 * @internal
 */
export async function drawChart(
  options: ChartOptions,
  parts: {
    readonly panels: readonly Panel[];
    readonly legend?: readonly LegendEntry[] | undefined;
    readonly width: number;
  },
): Promise<string> {
  const width = options.width ?? parts.width;
  if (!(width >= NARROWEST)) throw new RangeError(`chart width ${width}, expected at least ${NARROWEST}`);
  const drawing = await startDrawing(options.document);
  const { document } = drawing;
  const children: Element[] = [];
  let y = drawHeading(drawing, options, children, width);
  y = drawLegend(drawing, parts.legend ?? [], children, { y, width });
  const bottom = placePanels(drawing, parts.panels, children, { y, width });
  const root = element(
    document,
    "svg",
    {
      class: "rebasin-chart",
      viewBox: `0 0 ${width} ${bottom}`,
      width,
      height: bottom,
      role: "img",
      "aria-label": options.title ?? "chart",
    },
    [
      element(document, "style", {}, [CHART_STYLE]),
      element(document, "rect", { class: "paper", width, height: bottom }),
      ...children,
    ],
  );
  return svgText(root);
}

/** Adds title and subtitle; returns where they end. */
function drawHeading({ document }: Drawing, options: ChartOptions, children: Element[], width: number): number {
  let y = EDGE;
  for (const [text, size, name] of [
    [options.title, 17, "title"],
    [options.subtitle, 12, "subtitle"],
  ] as const) {
    for (const line of text === undefined ? [] : wrapText(text, width - 2 * EDGE, size)) {
      y += Math.round(1.35 * size);
      children.push(element(document, "text", { class: name, x: EDGE, y: y - Math.round(0.3 * size) }, [line]));
    }
  }
  return y;
}

/** Adds the legend below `y`, in as many rows as it needs; returns where it ends. */
function drawLegend(
  drawing: Drawing,
  legend: readonly LegendEntry[],
  children: Element[],
  place: { y: number; width: number },
): number {
  if (legend.length === 0) return place.y;
  const { document } = drawing;
  let [x, y] = [EDGE, place.y + 16];
  for (const { name, index } of legend) {
    const wide = 34 + Math.ceil(CHARACTER * 12 * name.length) + 18;
    if (x > EDGE && x + wide > place.width) [x, y] = [EDGE, y + 20];
    const text = element(document, "text", { class: "name", x: 32, y: 4 }, [name]);
    const key = element(document, "g", { transform: "translate(12,0)" }, [legendKey(drawing, index)]);
    children.push(element(document, "g", { transform: `translate(${x},${y})` }, [key, text]));
    x += wide;
  }
  return y + 10;
}

function placePanels(
  drawing: Drawing,
  panels: readonly Panel[],
  children: Element[],
  place: { y: number; width: number },
): number {
  const { document } = drawing;
  const beside = place.width >= WIDE ? panels.length : 1;
  const width = Math.floor((place.width - 2 * EDGE - (beside - 1) * GAP) / beside);
  let y = place.y;
  let tallest = 0;
  panels.forEach((panel, index) => {
    const column = index % beside;
    if (column === 0 && index > 0) y += tallest;
    const x = EDGE + column * (width + GAP);
    if (panel.label !== "") children.push(element(document, "text", { class: "label", x, y: y + 26 }, [panel.label]));
    const drawn = asPart(panel.draw(drawing, width));
    const top = y + (panel.label === "" ? 8 : 34);
    for (const [name, value] of [
      ["x", x],
      ["y", top],
    ] as const)
      drawn.setAttribute(name, String(value));
    drawn.setAttribute("class", "panel");
    children.push(drawn);
    tallest = Math.max(column === 0 ? 0 : tallest, top - y + panel.height);
  });
  return Math.ceil(y + tallest + EDGE / 2);
}
