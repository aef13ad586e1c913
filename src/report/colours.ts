/** Colours of numbers: viridis (matplotlib), which rises evenly in lightness and is told apart in every common form of colour vision. */

/** Red, green, blue at nine equal steps. */
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
