/** Colours of charts: the style sheet inside of each, and those of numbers. */

/**
 * Light and dark colours of series 0 to 5: each at least 3:1 against its paper, distinct in every common form of
 * colour vision.
 */
const SERIES: readonly (readonly [light: string, dark: string])[] = [
  ["#d9531e", "#f0804f"],
  ["#1f6fc5", "#5aa2ef"],
  ["#00805f", "#3fc39b"],
  ["#a8488f", "#e08cc6"],
  ["#8f6400", "#e0ab3c"],
  ["#5f6066", "#b4b5ba"],
];

/** A group is coloured by its class; the attribute decides what of it is filled or stroked. */
const series = (shade: 0 | 1): string =>
  SERIES.map(
    (colours, index) =>
      `.rebasin-chart .c${index} { stroke: ${colours[shade]} } .rebasin-chart .c${index}.filled, .rebasin-chart .c${index} .dot { fill: ${colours[shade]} }`,
  ).join("\n");

/**
 * What every chart here is styled by, for pictures of yours that shall look like them: elements of the class
 * `rebasin-chart`.
 */
// No custom properties: viewers outside of browsers do not know them. Every rule names the chart's class, since charts
// stand in pages, among other elements and other charts.
export const CHART_STYLE: string = `
.rebasin-chart { color: #595852; max-width: 100%; height: auto }
.rebasin-chart .panel { overflow: visible }
.rebasin-chart text { font-family: system-ui, -apple-system, "Segoe UI", sans-serif; font-size: 12px; fill: #595852; stroke: none }
.rebasin-chart text.title { font-size: 17px; font-weight: 600 }
.rebasin-chart text.label { font-size: 13px; font-weight: 600 }
.rebasin-chart text.title, .rebasin-chart text.label, .rebasin-chart text.name { fill: #1a1a18 }
.rebasin-chart .paper { fill: #fcfcfb } .rebasin-chart .line { fill: none; stroke-width: 2 }
.rebasin-chart .dot, .rebasin-chart .filled { stroke: #fcfcfb; stroke-width: 1 }
.rebasin-chart .guide { stroke: #8a8983; stroke-dasharray: 4 4 }
.rebasin-chart .mark text { font-size: 13px; font-weight: 600; fill: #1a1a18; stroke: #fcfcfb; stroke-width: 4px; paint-order: stroke }
.rebasin-chart .mark circle { fill: #fcfcfb; stroke: #1a1a18; stroke-width: 2 }
${series(0)}
@media (prefers-color-scheme: dark) {
.rebasin-chart { color: #b3b2aa }
.rebasin-chart text { fill: #b3b2aa }
.rebasin-chart text.title, .rebasin-chart text.label, .rebasin-chart text.name { fill: #f2f1ec }
.rebasin-chart .paper { fill: #1a1a19 }
.rebasin-chart .dot, .rebasin-chart .filled { stroke: #1a1a19 }
${series(1)}
}
`;

/**
 * Viridis (matplotlib), which rises evenly in lightness and is distinct in every common form of colour vision: red,
 * green, blue at nine equal steps.
 */
const STOPS = [0x440154, 0x472d7b, 0x3b528b, 0x2c728e, 0x21918c, 0x28ae80, 0x5ec962, 0xaddc30, 0xfde725].map(
  (hex): readonly number[] => [hex >> 16, (hex >> 8) & 255, hex & 255],
);

/** Red, green and blue, 0 … 255, of a share from 0 (dark) to 1 (bright). Shares outside are clamped. */
export function colourAt(share: number): [number, number, number] {
  const place = Math.min(1, Math.max(0, share)) * (STOPS.length - 1);
  const low = Math.min(STOPS.length - 2, Math.floor(place));
  const mix = (channel: number): number => {
    const [from, to] = [STOPS[low]![channel]!, STOPS[low + 1]![channel]!];
    return Math.round(from + (place - low) * (to - from));
  };
  return [mix(0), mix(1), mix(2)];
}

/** The same as CSS. */
export function cssColourAt(share: number): string {
  return `rgb(${colourAt(share).join(",")})`;
}
