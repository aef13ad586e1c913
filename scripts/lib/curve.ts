/** Loss and accuracy along the line between two models. */

import type { Evaluation } from "rebasin/tf";

/** What the model at `lambda` does: 0 is A, 1 is B. */
export interface CurvePoint extends Evaluation {
  readonly lambda: number;
}

/** One line of a plot. */
export interface Curve {
  readonly name: string;
  readonly points: readonly CurvePoint[];
}

/** λ of every point of a curve in equal steps: 25 as in the paper's code. */
export const CURVE_POINTS = 25;

/**
 * Evaluates the model at each of `points` λ from 0 to 1, both ends included.
 *
 * @example
 * const naive = await sampleCurve("naive", (lambda) => evaluateAt(lambda));
 */
export async function sampleCurve(
  name: string,
  evaluateAt: (lambda: number) => Promise<Evaluation>,
  points: number = CURVE_POINTS,
): Promise<Curve> {
  const sampled: CurvePoint[] = [];
  for (let i = 0; i < points; i++) {
    const lambda = i / (points - 1);
    sampled.push({ lambda, ...(await evaluateAt(lambda)) });
  }
  return { name, points: sampled };
}
