/** A matrix as a picture: cost matrices, and how units of two models go together. */

import { type ChartOptions, type Drawing, drawChart, element, type Panel } from "./chart.ts";
import { type ColourScale, colourLegend } from "./colour-legend.ts";
import { encodePng, pngUrl } from "./png.ts";
import { colourAt } from "./style.ts";

/** Row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: ArrayLike<number>;
}

export interface HeatMapOptions extends ChartOptions {
  /** What the rows and columns are; default "row" and "column". */
  readonly rowLabel?: string | undefined;
  readonly columnLabel?: string | undefined;
  /** What the values are, above the scale of colours. Default "value". */
  readonly valueLabel?: string | undefined;
}

/** Cells at most a side: more would be smaller than a pixel of a phone. */
const MAX_CELLS = 128;
/** Colour 0 is for cells without a finite value. */
const PALETTE = [[128, 128, 128], ...Array.from({ length: 255 }, (_, i) => colourAt(i / 254))] as const;
const MARGINS = { marginLeft: 44, marginRight: 18, marginTop: 8, marginBottom: 42 };

/**
 * The matrix binned down to at most `cells` a side. Each bin holds its greatest value, so that a thin diagonal (aligned
 * units) stays to be seen; bins without a finite value hold NaN. Returns a copy.
 */
export function binMatrix(
  { rows, columns, values }: Matrix,
  cells: number = MAX_CELLS,
): Matrix & { values: Float64Array } {
  const [height, width] = [Math.min(rows, cells), Math.min(columns, cells)];
  const binned = new Float64Array(height * width).fill(Number.NaN);
  for (let row = 0; row < rows; row++) {
    const y = Math.floor((row * height) / rows);
    for (let column = 0; column < columns; column++) {
      const at = y * width + Math.floor((column * width) / columns);
      const value = values[row * columns + column]!;
      if (Number.isFinite(value) && !(binned[at]! >= value)) binned[at] = value;
    }
  }
  return { rows: height, columns: width, values: binned };
}

function imageOf({ rows, columns, values }: Matrix, low: number, high: number): string {
  const pixels = Uint8Array.from({ length: rows * columns }, (_, i) => {
    const value = values[i]!;
    if (!Number.isFinite(value)) return 0;
    const share = high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0;
    return 1 + Math.round(254 * share);
  });
  return pngUrl(
    encodePng(
      { width: columns, height: rows, pixels },
      PALETTE.map(([r, g, b]) => [r!, g!, b!] as const),
    ),
  );
}

/** Share of the cells at either end that share the end's colour: a few outliers would leave one colour to all others. */
const CUT = 0.01;

function scaleOf(values: Float64Array): ColourScale {
  const sorted = values.filter(Number.isFinite).sort();
  if (sorted.length === 0) return { low: 0, high: 1 };
  const last = sorted.length - 1;
  const [low, high] = [sorted[Math.floor(CUT * last)]!, sorted[Math.ceil((1 - CUT) * last)]!];
  if (low === high) return { low: sorted[0]!, high: sorted[last]! };
  return { low, high, cut: { below: sorted[0]! < low, above: sorted[last]! > high } };
}

function matrixPanel(
  matrix: Matrix,
  href: string,
  { rowLabel = "row", columnLabel = "column" }: HeatMapOptions,
  width: number,
): Panel {
  const inner = width - MARGINS.marginLeft - MARGINS.marginRight;
  const tall = Math.round(Math.min(1.5, matrix.rows / matrix.columns) * inner);
  const height = tall + MARGINS.marginTop + MARGINS.marginBottom;
  const frame = { x: MARGINS.marginLeft, y: MARGINS.marginTop, width: inner, height: tall };
  const draw = ({ Plot, document }: Drawing): Element =>
    Plot.plot({
      document,
      ...{ width, height, ...MARGINS },
      x: {
        domain: [0, matrix.columns],
        label: columnLabel,
        labelAnchor: "center",
        labelArrow: "none",
        tickSpacing: 56,
      },
      y: { domain: [matrix.rows, 0], label: null, tickSpacing: 56 },
      marks: [
        () =>
          element(document, "image", {
            ...frame,
            href,
            preserveAspectRatio: "none",
            style: "image-rendering: pixelated",
          }) as SVGElement,
        Plot.frame(),
      ],
    });
  return { label: rowLabel, height, draw };
}

/**
 * A matrix as colours, as the text of an SVG file. Above 128 rows or columns, a cell shows the greatest of its values.
 * The hundredth of the cells with the lowest and that with the highest values have the colours of the ends.
 *
 * @throws {RangeError} for a matrix without values, or with a number of them that does not fit its sides.
 *
 * @example
 * const svg = await heatMapChart({ rows: 256, columns: 256, values: cost }, { title: "P0", rowLabel: "unit of A", columnLabel: "unit of B" });
 */
export async function heatMapChart(matrix: Matrix, options: HeatMapOptions = {}): Promise<string> {
  const { rows, columns, values } = matrix;
  if (!(rows > 0 && columns > 0) || values.length !== rows * columns)
    throw new RangeError(`matrix has ${values.length} values, expected ${rows}×${columns}, at least one`);
  const binned = binMatrix(matrix);
  const scale = scaleOf(binned.values);
  const width = options.width ?? 420;
  const panel = matrixPanel(matrix, imageOf(binned, scale.low, scale.high), options, Math.min(width, 639) - 32);
  const legend = colourLegend(options.valueLabel ?? "value", scale);
  return drawChart({ ...options, width: Math.min(width, 639) }, { panels: [panel, legend], width });
}
