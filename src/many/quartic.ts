/** Where a polynomial of degree four is highest on [0, 1]: only additions and products, the same bits everywhere. */

/** A polynomial as a function. */
export interface Quartic {
  at(step: number): number;
}

/** Pieces that the interval is first cut into: a quartic has at most two maxima, and they are far apart or alike. */
const PIECES = 128;
/** Each narrows the piece to two thirds: 60 leave 3·10⁻¹¹ of it. */
const NARROWINGS = 60;

/** The highest point of `quartic` on [0, 1]; the start where nothing is higher. */
export function bestStep(quartic: Quartic): { readonly step: number; readonly value: number } {
  let best = 0;
  for (let piece = 1; piece <= PIECES; piece++) {
    if (quartic.at(piece / PIECES) > quartic.at(best / PIECES)) best = piece;
  }
  let low = Math.max(0, best - 1) / PIECES;
  let high = Math.min(PIECES, best + 1) / PIECES;
  for (let i = 0; i < NARROWINGS; i++) {
    const [left, right] = [low + (high - low) / 3, high - (high - low) / 3];
    if (quartic.at(left) < quartic.at(right)) low = left;
    else high = right;
  }
  // The ends themselves are never looked at when narrowing.
  const candidates = [0, best / PIECES, (low + high) / 2];
  let step = 0;
  for (const candidate of candidates) if (quartic.at(candidate) > quartic.at(step)) step = candidate;
  return { step, value: quartic.at(step) };
}
