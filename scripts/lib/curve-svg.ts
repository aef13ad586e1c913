/** Interpolation curves as one self-contained SVG: a panel of loss, a panel of accuracy, light and dark. */

import type { Curve, CurvePoint } from "./curve.ts";

/** What the plot says above its panels. */
export interface Caption {
  readonly title: string;
  readonly subtitle: string;
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

interface Panel {
  readonly label: string;
  readonly value: (point: CurvePoint) => number;
  /** Upper end of the scale at most, where values have one. */
  readonly ceiling: number;
  readonly format: (value: number) => string;
}

const WIDTH = 880;
const HEIGHT = 446;
const PANEL_TOP = 134;
const PANEL_SIZE = { width: 360, height: 240 };
const PANEL_LEFTS = [64, 496];
const MAX_TICKS = 6;

const PANELS: readonly Panel[] = [
  { label: "loss (nats)", value: (point) => point.loss, ceiling: Number.POSITIVE_INFINITY, format: String },
  {
    label: "accuracy",
    value: (point) => point.accuracy,
    ceiling: 1,
    format: (value) => `${Math.round(100 * value)} %`,
  },
];

// Each colour stands out from its background and from the other for every common form of colour vision. No custom
// properties: viewers outside browsers do not know them.
const STYLE = `
  text { font-family: system-ui, -apple-system, "Segoe UI", sans-serif; font-size: 12px; fill: #595852 }
  text.title { font-size: 17px; font-weight: 600 } text.label { font-size: 13px; font-weight: 600 }
  text.title, text.label, text.name { fill: #1a1a18 }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round } .dot { stroke-width: 1 }
  .paper { fill: #fcfcfb } .dot { stroke: #fcfcfb } .grid { stroke: #e4e3df } .axis { stroke: #b5b4ae }
  .c0 .line { stroke: #d9531e } .c0 .dot { fill: #d9531e } .c1 .line { stroke: #1f6fc5 } .c1 .dot { fill: #1f6fc5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #b3b2aa } text.title, text.label, text.name { fill: #f2f1ec }
    .paper { fill: #1a1a19 } .dot { stroke: #1a1a19 } .grid { stroke: #33332f } .axis { stroke: #5c5b55 }
    .c0 .line { stroke: #f0804f } .c0 .dot { fill: #f0804f } .c1 .line { stroke: #5aa2ef } .c1 .dot { fill: #5aa2ef }
  }`;

const escapeText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const round = (value: number): number => Math.round(100 * value) / 100;

/** Multiples of 1, 2 or 5 · 10^k from 0 to at least `max`, at most `MAX_TICKS` steps. */
export function chooseTicks(max: number): number[] {
  const rough = Math.max(max, 1e-6) / MAX_TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const steps = Math.ceil(max / step - 1e-9);
  return Array.from({ length: Math.max(steps, 1) + 1 }, (_, i) => Number((i * step).toPrecision(10)));
}

/** Horizontal grid, tick labels, λ axis. */
function drawFrame(box: Box, panel: Panel, ticks: readonly number[]): string[] {
  const { left, top, width, height } = box;
  const bottom = top + height;
  const parts = [`<text class="label" x="${left}" y="${top - 16}">${panel.label}</text>`];
  for (const tick of ticks) {
    const y = round(bottom - (height * tick) / ticks.at(-1)!);
    parts.push(`<line class="${tick === 0 ? "axis" : "grid"}" x1="${left}" x2="${left + width}" y1="${y}" y2="${y}"/>`);
    parts.push(`<text x="${left - 8}" y="${y + 4}" text-anchor="end">${panel.format(tick)}</text>`);
  }
  for (const [lambda, text] of [
    [0, "0 · A"],
    [0.25, "0.25"],
    [0.5, "0.5"],
    [0.75, "0.75"],
    [1, "1 · B"],
  ] as const) {
    const x = round(left + width * lambda);
    parts.push(`<line class="axis" x1="${x}" x2="${x}" y1="${bottom}" y2="${bottom + 5}"/>`);
    parts.push(`<text x="${x}" y="${bottom + 20}" text-anchor="middle">${text}</text>`);
  }
  parts.push(`<text x="${left + width / 2}" y="${bottom + 42}" text-anchor="middle">λ, share of B</text>`);
  return parts;
}

/** One curve in a panel. Points without a finite value (a diverged model) are left out. */
function drawCurve(curve: Curve, index: number, box: Box, panel: Panel, max: number): string[] {
  const places = curve.points
    .filter((point) => Number.isFinite(panel.value(point)))
    .map((point) => {
      const x = round(box.left + box.width * point.lambda);
      const y = round(box.top + box.height * (1 - panel.value(point) / max));
      return { x, y, note: `${curve.name}, λ = ${point.lambda.toFixed(3)}: ${panel.value(point).toFixed(4)}` };
    });
  const line = places.map(({ x, y }) => `${x},${y}`).join(" ");
  const dots = places.map(
    ({ x, y, note }) => `<circle class="dot" cx="${x}" cy="${y}" r="3"><title>${escapeText(note)}</title></circle>`,
  );
  return [`<g class="c${index}"><polyline class="line" points="${line}"/>`, ...dots, "</g>"];
}

function drawPanel(panel: Panel, curves: readonly Curve[], left: number): string[] {
  const box: Box = { left, top: PANEL_TOP, ...PANEL_SIZE };
  const values = curves.flatMap((curve) => curve.points.map(panel.value)).filter(Number.isFinite);
  const highest = values.reduce((a, b) => Math.max(a, b), 0);
  const ticks = chooseTicks(Math.min(highest, panel.ceiling));
  return [
    ...drawFrame(box, panel, ticks),
    ...curves.flatMap((curve, i) => drawCurve(curve, i, box, panel, ticks.at(-1)!)),
  ];
}

function drawLegend(curves: readonly Curve[]): string[] {
  return curves.map(({ name }, index) => {
    const x = PANEL_LEFTS[0]! + 120 * index;
    return `<g class="c${index}"><line class="line" x1="${x}" x2="${x + 24}" y1="76" y2="76"/><circle class="dot" cx="${x + 12}" cy="76" r="3"/><text class="name" x="${x + 32}" y="80">${escapeText(name)}</text></g>`;
  });
}

/**
 * The plot of at most two curves, as the text of an SVG file: no scripts, no outside fonts or images, colours follow
 * `prefers-color-scheme`. Both scales start at 0.
 *
 * @example
 * writeFileSync("curve.svg", curveSvg([naive, aligned], { title: "Interpolation", subtitle: "1,000 images" }));
 */
export function curveSvg(curves: readonly Curve[], { title, subtitle }: Caption): string {
  const [x] = PANEL_LEFTS;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escapeText(title).replaceAll('"', "&quot;")}">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="paper" width="${WIDTH}" height="${HEIGHT}"/>`,
    `<text class="title" x="${x}" y="34">${escapeText(title)}</text>`,
    `<text x="${x}" y="54">${escapeText(subtitle)}</text>`,
    ...drawLegend(curves),
    ...PANELS.flatMap((panel, index) => drawPanel(panel, curves, PANEL_LEFTS[index]!)),
    "</svg>",
    "",
  ].join("\n");
}
