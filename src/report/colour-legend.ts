/** The bar that says which colour stands for which value. */

import type { Drawing, Panel } from "./chart.ts";
import { cssColourAt } from "./colours.ts";

const HEIGHT = 48;
const STEPS = 64;

/** A short number for a scale: at most four digits. */
export const shortNumber = (value: number): string => String(Number(value.toPrecision(4)));

/**
 * A panel with a bar from `low` to `high`. `thresholds` (rising, from `low`) gives one step for each band between them;
 * without it the bar is continuous. `capped`: values above `high` share its colour.
 */
export function colourLegend(
  label: string,
  {
    low,
    high,
    thresholds,
    capped = false,
  }: { low: number; high: number; thresholds?: readonly number[]; capped?: boolean },
): Panel {
  const share = (value: number): number => (high > low ? (value - low) / (high - low) : 0);
  const starts = thresholds ?? Array.from({ length: STEPS }, (_, i) => low + ((high - low) * i) / STEPS);
  const bands = starts.map((from, i) => ({ from, to: starts[i + 1] ?? high, fill: cssColourAt(share(from)) }));
  return {
    label,
    height: HEIGHT,
    draw: ({ Plot, document }: Drawing, width) =>
      Plot.plot({
        document,
        ...{ width, height: HEIGHT, marginTop: 6, marginBottom: 26, marginLeft: 44, marginRight: 18 },
        x: {
          domain: high > low ? [low, high] : [low, low + 1],
          label: null,
          tickSpacing: 72,
          tickFormat: (value: number) => `${capped && value === high ? "≥ " : ""}${shortNumber(value)}`,
        },
        y: { axis: null },
        color: { type: "identity" },
        marks: [Plot.rect(bands, { x1: "from", x2: "to", y1: 0, y2: 1, fill: "fill", insetRight: -0.5 })],
      }),
  };
}
