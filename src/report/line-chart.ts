/** Lines over a number: the panel that curves, reliability diagrams and plain line charts are made of. */

import { type ChartOptions, COLOURS, type Drawing, drawChart, type Panel, symbolOf } from "./chart.ts";

/** One line of a chart. Points without finite values (a diverged model) are left out. */
export interface Series {
  readonly name: string;
  readonly points: readonly {
    readonly x: number;
    readonly y: number /** Shown on hovering; default name, x and y. */;
    readonly note?: string | undefined;
    /** The point's share of the line's data, from 0 to 1: its dot's area; rare ones are off the line. */
    readonly weight?: number | undefined;
  }[];
}

/** One axis of a chart. */
export interface ChartAxis {
  readonly label?: string | undefined;
  /** Lowest and highest value shown; default: all values, and 0. */
  readonly domain?: readonly [number, number] | undefined;
  /** A logarithmic axis starts at the lowest value instead of 0. */
  readonly type?: "linear" | "log" | undefined;
  readonly ticks?: readonly number[] | undefined;
  /** How a tick is labelled. */
  readonly format?: ((value: number) => string) | undefined;
}

/** The content of one set of axes: lines, and what orients the eye. */
export interface LinePanel {
  readonly series: readonly Series[];
  readonly x?: ChartAxis | undefined;
  readonly y?: ChartAxis | undefined;
  /** Lines for orientation, dashed: each a list of points. */
  readonly guides?: readonly (readonly { readonly x: number; readonly y: number }[])[] | undefined;
  /** Default: about two thirds of the width. */
  readonly height?: number | undefined;
}

const MARGINS = { marginLeft: 44, marginRight: 18, marginTop: 8, marginBottom: 42 };
const CENTRED = { labelAnchor: "center", labelArrow: "none" } as const;
const isFinitePoint = ({ x, y }: { x: number; y: number }): boolean => Number.isFinite(x) && Number.isFinite(y);

/** Values of an axis from all of its panel, and its ends. */
function domainOf(axis: ChartAxis, values: readonly number[]): readonly [number, number] {
  if (axis.domain !== undefined) return axis.domain;
  let [low, high] = axis.type === "log" ? [Number.POSITIVE_INFINITY, 0] : [0, 0];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (axis.type === "log") return low < high ? [low, high] : [0.1, 1];
  return low < high ? [low, high] : [0, 1];
}

function scaleOf(axis: ChartAxis, values: readonly number[], fallback: (value: number) => string): object {
  const { type = "linear", ticks, format = fallback, label } = axis;
  return {
    type,
    domain: domainOf(axis, values),
    nice: axis.domain === undefined && !(type === "log" && ticks !== undefined),
    label: label ?? null,
    ...CENTRED,
    tickFormat: format,
    ...(ticks === undefined ? { tickSpacing: 48 } : { ticks: [...ticks] }),
    ...(isOwnAxis(axis) ? { axis: null } : {}),
  };
}

/** Plot leaves labels of logarithmic axes out as it sees fit; where ticks are given, each shall have its label. */
const isOwnAxis = ({ type, ticks }: ChartAxis): boolean => type === "log" && ticks !== undefined;

const plain = (value: number): string => String(Number(value.toPrecision(6)));

/** A point with a smaller share is off the line: chance moves it. */
const RARE = 0.01;
/** Radii of dots, in pixels: of points without a weight, of the rarest, and of all in one point. */
const [RADIUS, LEAST, MOST] = [3, 1.5, 12];

type Point = Series["points"][number];

const isOnLine = ({ weight }: Point): boolean => weight === undefined || weight >= RARE;
const radiusOf = ({ weight }: Point): number =>
  weight === undefined ? RADIUS : Math.max(LEAST, MOST * Math.sqrt(weight));

/** A panel of lines. `label` is above it. @internal */
export function linePanel(label: string, content: LinePanel): Panel {
  const height = content.height ?? 274;
  return { label, height, draw: (drawing, width) => drawLines(drawing, content, { width, height }) };
}

function drawLines({ Plot, document }: Drawing, content: LinePanel, size: { width: number; height: number }): Element {
  const { series, x = {}, y = {}, guides = [] } = content;
  const finite = series.map((line) => ({ ...line, points: line.points.filter(isFinitePoint) }));
  const all = finite.flatMap((line) => line.points);
  const { format = plain } = x;
  const marks = [
    // On the ticks, whoever chose them.
    Plot.gridY(y.ticks === undefined ? { tickSpacing: 48 } : { ticks: [...y.ticks] }),
    ...(isOwnAxis(x)
      ? [Plot.axisX([...x.ticks!], { x: (value: number) => value, text: format, label: x.label ?? null, ...CENTRED })]
      : []),
    ...guides.map((points) => Plot.line(points, { x: "x", y: "y", className: "guide" })),
    ...finite.flatMap((line, index) => lineMarks(Plot, line, index)),
  ];
  return Plot.plot({
    document,
    ...MARGINS,
    ...size,
    r: { type: "identity" },
    x: scaleOf(
      x,
      all.map((point) => point.x),
      plain,
    ),
    y: {
      ...scaleOf(
        { ...y },
        all.map((point) => point.y),
        plain,
      ),
      label: null,
    },
    marks,
  });
}

type Marks = (ReturnType<Drawing["Plot"]["line"]> | ReturnType<Drawing["Plot"]["dot"]>)[];

/** One series: its line, and its points above. */
function lineMarks(Plot: Drawing["Plot"], { name, points }: Series, index: number): Marks {
  const className = `c${index % COLOURS}`;
  const title = ({ note, x, y }: Point): string => note ?? `${name}: ${plain(x)}, ${plain(y)}`;
  const at = { x: "x", y: "y" } as const;
  return [
    Plot.line(points.filter(isOnLine), { ...at, className: `${className} line` }),
    Plot.dot(points, { ...at, symbol: symbolOf(index), r: radiusOf, title, className: `${className} filled` }),
  ];
}

/** Lines over one x axis. */
export interface LineChart extends Omit<LinePanel, "y"> {
  /** `label` is above the axis. */
  readonly y?: ChartAxis | undefined;
}

/**
 * Lines over a number (a barrier over widths, a loss over epochs), as the text of an SVG file.
 *
 * @example
 * const svg = await lineChart({ series: [{ name: "barrier", points: [{ x: 1, y: 0.9 }, { x: 2, y: 0.2 }] }], x: { label: "width", type: "log" } }, { title: "Barrier against width" });
 */
export async function lineChart(chart: LineChart, options: ChartOptions = {}): Promise<string> {
  return drawChart(options, {
    panels: [linePanel(chart.y?.label ?? "", chart)],
    legend: chart.series.length < 2 ? [] : chart.series.map(({ name }, index) => ({ name, index })),
    width: 420,
  });
}
