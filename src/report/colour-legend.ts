/** The bar that shows the value of each colour. */

import type { Drawing, Panel } from "./chart.ts";
import { cssColourAt } from "./style.ts";

const HEIGHT = 48;
const STEPS = 64;

/** Numbers below the bar. */
const TICKS = 5;

export interface ColourScale {
  readonly low: number;
  readonly high: number;
  /** One step for each band between these (rising, from `low`); continuous without. */
  readonly thresholds?: readonly number[] | undefined;
  /** Values below `low`, or above `high`, share its colour. */
  readonly cut?: { readonly below: boolean; readonly above: boolean } | undefined;
}

/** A panel with a bar from `low` to `high`. */
export function colourLegend(label: string, scale: ColourScale): Panel {
  return { label, height: HEIGHT, draw: (drawing, width) => drawScale(drawing, scale, width) };
}

function drawScale({ Plot, document }: Drawing, { low, high, thresholds, cut }: ColourScale, width: number): Element {
  const share = (value: number): number => (high > low ? (value - low) / (high - low) : 0);
  const starts = thresholds ?? Array.from({ length: STEPS }, (_, i) => low + ((high - low) * i) / STEPS);
  const bands = starts.map((from, i) => ({ from, to: starts[i + 1] ?? high, fill: cssColourAt(share(from)) }));
  const ticks = high > low ? Array.from({ length: TICKS }, (_, i) => low + ((high - low) * i) / (TICKS - 1)) : [low];
  const format = (value: number, index: number): string => {
    const end = (cut?.below && index === 0 ? "≤ " : "") + (cut?.above && index === TICKS - 1 ? "≥ " : "");
    return `${end}${String(Number(value.toPrecision(3)))}`;
  };
  return Plot.plot({
    document,
    ...{ width, height: HEIGHT, marginTop: 6, marginBottom: 26, marginLeft: 44, marginRight: 18 },
    x: { domain: high > low ? [low, high] : [low, low + 1], label: null, ticks, tickFormat: format },
    y: { axis: null },
    color: { type: "identity" },
    marks: [Plot.rect(bands, { x1: "from", x2: "to", y1: 0, y2: 1, fill: "fill", insetRight: -0.5 })],
  });
}
