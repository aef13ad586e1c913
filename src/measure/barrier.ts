/** Loss between two models: curves, and the height of the barrier on them. Plain numbers. */

import type { Evaluation } from "../run/metrics.ts";

/** What the model at `lambda` does: 0 is A, 1 is B (or π(B)). */
export interface CurvePoint extends Evaluation {
  readonly lambda: number;
}

/** Points of one line between two models, λ rising from 0 to 1. */
export interface Curve {
  readonly name: string;
  readonly points: readonly CurvePoint[];
}

/** The loss barrier in both definitions in use, in nats. */
export interface Barrier {
  /**
   * `max_λ L(λ) − ½·(L(0) + L(1))`: what the paper's plots show. Negative where the ends differ and nothing rises
   * above their mean.
   */
  readonly maxMinusMeanEndpoints: number;
  /**
   * `max_λ (L(λ) − ((1−λ)·L(0) + λ·L(1)))`: the highest rise above the straight line between the ends (Frankle et
   * al. 2020). Never below 0.
   */
  readonly maxAboveChord: number;
}

/**
 * λ of a curve: `points` equal steps from 0 to 1.
 *
 * @throws {RangeError} for fewer than two.
 */
export function lambdas(points: number): number[] {
  if (!Number.isSafeInteger(points) || points < 2)
    throw new RangeError(`curve of ${points} points, expected an integer from 2`);
  return Array.from({ length: points }, (_, i) => i / (points - 1));
}

/**
 * The loss barrier of a curve. A loss that is not finite (a diverged model) makes both figures infinite.
 *
 * @throws {RangeError} unless the curve goes from λ = 0 to λ = 1.
 *
 * @example
 * const { maxMinusMeanEndpoints } = barrier(curve);
 */
export function barrier({ name, points }: Curve): Barrier {
  const [first, last] = [points[0], points.at(-1)];
  if (first?.lambda !== 0 || last?.lambda !== 1)
    throw new RangeError(`curve ${name} goes from ${first?.lambda} to ${last?.lambda}, expected 0 to 1`);
  let [highest, rise] = [Number.NEGATIVE_INFINITY, 0];
  for (const { lambda, loss } of points) {
    if (!Number.isFinite(loss))
      return { maxMinusMeanEndpoints: Number.POSITIVE_INFINITY, maxAboveChord: Number.POSITIVE_INFINITY };
    highest = Math.max(highest, loss);
    rise = Math.max(rise, loss - ((1 - lambda) * first.loss + lambda * last.loss));
  }
  return { maxMinusMeanEndpoints: highest - (first.loss + last.loss) / 2, maxAboveChord: rise };
}
