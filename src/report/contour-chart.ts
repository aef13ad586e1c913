/** Heights over a plane, as filled contours with points on them: the loss around A, B and π(B). */

import { type ChartOptions, type Drawing, drawChart, element, type Panel } from "./chart.ts";
import { colourLegend } from "./colour-legend.ts";
import { cssColourAt } from "./style.ts";

/** Values on a grid: `values[row·columns + column]` is at the row-th y and the column-th x, in equal steps. */
export interface Plane {
  readonly columns: number;
  readonly rows: number;
  readonly values: ArrayLike<number>;
  /** First and last x, first and last y. */
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

/** A point to be marked and named. */
export interface PlanePoint {
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

/** Labels and colours of a contour chart. */
export interface ContourOptions extends ChartOptions {
  readonly xLabel?: string | undefined;
  readonly yLabel?: string | undefined;
  /** What the values are. Default "loss (nats)". */
  readonly valueLabel?: string | undefined;
  /**
   * Values above count as this one: far from the models a loss may be anything. Default: the 80th percentile, or
   * the highest if that is less than twice as high.
   */
  readonly cap?: number | undefined;
  /** Bands of colour. Default 12. */
  readonly bands?: number | undefined;
}

const MARGINS = { marginLeft: 44, marginRight: 18, marginTop: 8, marginBottom: 42 };

function chooseCap(finite: readonly number[]): number {
  const sorted = [...finite].sort((a, b) => a - b);
  const [most, highest] = [sorted[Math.floor(0.8 * (sorted.length - 1))]!, sorted.at(-1)!];
  return highest < 2 * most ? highest : most;
}

/**
 * Filled contours with named points, as the text of an SVG file. Values that are not finite count as the cap.
 *
 * @throws {RangeError} for a grid of fewer than 2×2 values, a number of values that does not fit its sides, or none
 * that is finite.
 *
 * @example
 * const svg = await contourChart(plane, [{ name: "A", x: 0, y: 0 }, { name: "B", x: 1, y: 0 }], { title: "Loss" });
 */
export async function contourChart(
  plane: Plane,
  points: readonly PlanePoint[],
  options: ContourOptions = {},
): Promise<string> {
  const { rows, columns } = plane;
  if (!(rows >= 2 && columns >= 2) || plane.values.length !== rows * columns)
    throw new RangeError(`plane has ${plane.values.length} values, expected ${rows}×${columns}, at least 2×2`);
  const finite = Array.from(plane.values).filter(Number.isFinite);
  if (finite.length === 0) throw new RangeError("plane has no finite value, expected some");
  const cap = options.cap ?? chooseCap(finite);
  const low = Math.min(
    cap,
    finite.reduce((a, b) => Math.min(a, b)),
  );
  const highest = finite.reduce((a, b) => Math.max(a, b));
  const bands = options.bands ?? 12;
  const thresholds = Array.from({ length: bands }, (_, i) => low + ((cap - low) * i) / bands);
  const values = Array.from(plane.values, (value) => (Number.isFinite(value) ? Math.min(value, cap) : cap));
  const width = Math.min(options.width ?? 420, 639);
  const capped = highest > cap || finite.length < values.length;
  const panels = [
    planePanel({ ...plane, values }, points, { thresholds, low, cap }, options, width - 32),
    colourLegend(options.valueLabel ?? "loss (nats)", {
      low,
      high: cap,
      thresholds,
      cut: { below: false, above: capped },
    }),
  ];
  return drawChart({ ...options, width }, { panels, width });
}

interface Bands {
  readonly thresholds: readonly number[];
  readonly low: number;
  readonly cap: number;
}

function planePanel(
  plane: Plane,
  points: readonly PlanePoint[],
  bands: Bands,
  options: ContourOptions,
  width: number,
): Panel {
  const { marginLeft, marginRight, marginTop, marginBottom } = MARGINS;
  const inner = width - marginLeft - marginRight;
  const aspect = Math.abs((plane.y[1] - plane.y[0]) / (plane.x[1] - plane.x[0]));
  const tall = Math.round(inner * Math.min(1.5, Math.max(0.5, aspect)));
  const height = tall + marginTop + marginBottom;
  return {
    label: options.yLabel ?? "",
    height,
    draw: (drawing) => drawPlane(drawing, plane, points, bands, options, { width, height }),
  };
}

function drawPlane(
  { Plot, document }: Drawing,
  plane: Plane,
  points: readonly PlanePoint[],
  { thresholds, low, cap }: Bands,
  { xLabel }: ContourOptions,
  size: { width: number; height: number },
): Element {
  const share = (value: number): number => (cap > low ? (value - low) / (cap - low) : 0);
  const names = { x: "x", y: "y", className: "mark" } as const;
  return Plot.plot({
    document,
    ...size,
    ...MARGINS,
    x: { domain: [...plane.x], label: xLabel ?? null, labelAnchor: "center", labelArrow: "none", tickSpacing: 64 },
    y: { domain: [...plane.y], label: null, tickSpacing: 64 },
    color: { type: "linear", domain: [low, cap > low ? cap : low + 1], interpolate: cssColourAt },
    marks: [
      Plot.frame({ stroke: null, fill: cssColourAt(share(low)) }),
      Plot.contour(Array.from(plane.values), {
        ...{
          width: plane.columns,
          height: plane.rows,
          fill: (value: number) => value,
          thresholds: thresholds.slice(1),
        },
        ...pixelsOf(plane),
        stroke: null,
        render: (index, scales, channels, dimensions, context, next) =>
          clip(document, next!(index, scales, channels, dimensions, context)!, dimensions),
      }),
      Plot.frame(),
      Plot.dot(points, { ...names, r: 5 }),
      Plot.text(points, { ...names, text: "name", dy: -14 }),
    ],
  });
}

/** Plot has a value in the middle of its pixel and fills all pixels: half a step beyond the ends of the grid. */
function pixelsOf({ x, y, columns, rows }: Plane): { x1: number; x2: number; y1: number; y2: number } {
  const [dx, dy] = [(x[1] - x[0]) / (columns - 1) / 2, (y[1] - y[0]) / (rows - 1) / 2];
  return { x1: x[0] - dx, x2: x[1] + dx, y1: y[0] - dy, y2: y[1] + dy };
}

/**
 * A separate SVG hides what is outside of the frame, without the identifier that a clip path would need in its
 * page.
 */
function clip(document: Document, drawn: SVGElement, dimensions: { width: number; height: number }): SVGElement {
  const { marginLeft: x, marginTop: y } = MARGINS;
  const width = dimensions.width - x - MARGINS.marginRight;
  const height = dimensions.height - y - MARGINS.marginBottom;
  const viewBox = `${x} ${y} ${width} ${height}`;
  return element(document, "svg", { x, y, width, height, viewBox, style: "overflow: hidden" }, [drawn]) as SVGElement;
}
