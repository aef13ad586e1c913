/** The plane through A, B and π(B) (paper, figure 1): geometry from inner products alone. */

/** Inner products of `B − A` and `π(B) − A`, over all float tensors. */
export interface PlaneProducts {
  readonly bb: number;
  readonly bp: number;
  readonly pp: number;
}

/** Shares of A, B and π(B); they add up to 1. */
export type PlaneWeights = readonly [a: number, b: number, aligned: number];

/**
 * A plane with A at (0, 0) and B at (1, 0): x runs along `B − A`, y at a right angle to it towards π(B). Both are
 * measured in lengths of `B − A`.
 */
export interface ContourPlane {
  /** Where π(B) is. */
  readonly aligned: { readonly x: number; readonly y: number };
  /** What to add up for the model at (x, y). */
  weightsAt(x: number, y: number): PlaneWeights;
}

/** Closer than this share of their lengths to one line, three points are in no plane. */
const FLAT = 1e-6;

/**
 * The plane by Gram–Schmidt: basis 1 = B − A, basis 2 = (π(B) − A) less its part along basis 1, as long as basis 1.
 * Throws `RangeError` when the three models are on one line (nothing was moved, or A and B are the same).
 *
 * @example
 * const plane = contourPlane({ bb: 2, bp: 1, pp: 2 });
 * plane.weightsAt(1, 0); // [0, 1, 0]: B
 */
export function contourPlane({ bb, bp, pp }: PlaneProducts): ContourPlane {
  const along = bp / bb;
  const rest = pp - bp * along;
  if (!(bb > 0 && pp > 0) || !(rest > FLAT * pp))
    throw new RangeError(
      `A, B and π(B) are on one line (|B − A|² ${bb}, |π(B) − A|² ${pp}, product ${bp}), expected three models in a plane`,
    );
  const height = Math.sqrt(rest / bb);
  return {
    aligned: { x: along, y: height },
    weightsAt(x, y) {
      const aligned = y / height;
      const b = x - along * aligned;
      return [1 - b - aligned, b, aligned];
    },
  };
}
