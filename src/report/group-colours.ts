/** A colour and a dash for each of any number of groups. */

/** Seen apart in every common form of colour vision; the first groups have these. */
const FIRST: readonly (readonly [light: string, dark: string])[] = [
  ["#1f6fc5", "#5aa2ef"],
  ["#c2410c", "#f0804f"],
  ["#007a5a", "#3fc39b"],
  ["#a8488f", "#e08cc6"],
  ["#856000", "#e0ab3c"],
];

/** Lines of neighbours differ by more than their colour. */
const DASHES = ["", "7 3", "2 2", "9 3 2 3"] as const;

/** Luminances (0 … 1) of the colours on light and on dark paper, in turns: all at least 4.5:1 against it. */
const LUMINANCES = [
  [0.15, 0.32],
  [0.06, 0.55],
] as const;

/** Colours of group number `at`, as CSS. After the first ones, hues follow each other by the golden angle. */
export function groupColours(at: number): readonly [light: string, dark: string] {
  const first = FIRST[at];
  if (first !== undefined) return first;
  const hue = ((at - FIRST.length) * 137.508 + 265) % 360;
  const [onLight, onDark] = LUMINANCES[at % LUMINANCES.length]!;
  return [hex(withLuminance(hue, onLight)), hex(withLuminance(hue, onDark))];
}

/** The dash of a group's lines, as SVG has it; "" is a whole line. */
export function groupDash(at: number): string {
  return DASHES[at % DASHES.length]!;
}

type Rgb = readonly [number, number, number];

/** The colour of a hue that has this luminance. Sums and products alone: the same in every engine. */
function withLuminance(hue: number, wanted: number): Rgb {
  let [low, high] = [0, 1];
  let colour: Rgb = [0, 0, 0];
  for (let step = 0; step < 12; step++) {
    const lightness = (low + high) / 2;
    colour = fromHsl(hue, 0.7, lightness);
    const [red, green, blue] = colour;
    // Squares in place of sRGB's powers of 2.4, whose last bits differ from engine to engine.
    if (0.2126 * red * red + 0.7152 * green * green + 0.0722 * blue * blue < wanted) low = lightness;
    else high = lightness;
  }
  return colour;
}

function fromHsl(hue: number, saturation: number, lightness: number): Rgb {
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  const channel = (shift: number): number => {
    const at = (shift + hue / 30) % 12;
    return lightness - chroma * Math.max(-1, Math.min(at - 3, 9 - at, 1));
  };
  return [channel(0), channel(8), channel(4)];
}

const hex = (colour: Rgb): string =>
  `#${colour
    .map((share) =>
      Math.round(255 * share)
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
