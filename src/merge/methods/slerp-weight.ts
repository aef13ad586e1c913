/**
 * The weights of a slerp. By sums, quotients and square roots alone: `Math.sin` and `Math.acos` differ between engines,
 * and the same models must give the same bytes in each.
 */

/**
 * sin(t·θ) / sin(θ) with θ = acos(cosine), for t from 0 to 1: the weight of B at t, of A at 1 − t (K. Shoemake,
 * "Animating rotation with quaternion curves", SIGGRAPH 1985). Within a few units in the last place; NaN for a cosine
 * that is not between −1 and 1.
 *
 * @example
 * slerpWeight(0, 0.5); // √½
 */
export function slerpWeight(cosine: number, t: number): number {
  const angle = 2 * arcTangent(Math.sqrt((1 - cosine) / (1 + cosine)));
  return sine(t * angle) / sine(angle);
}

/** arctan x for x from 0 on. Twice halving the angle brings it within reach of a short series. */
export function arcTangent(x: number): number {
  if (x > 1) return Math.PI / 2 - arcTangent(1 / x);
  return 4 * series(halfAngle(halfAngle(x)), (square, n) => (-square * (n - 2)) / n);
}

/** tan(φ/2) for x = tan(φ). */
const halfAngle = (x: number): number => x / (1 + Math.sqrt(1 + x * x));

/** sin x for x from 0 to π. */
export function sine(x: number): number {
  return series(Math.min(x, Math.PI - x), (square, n) => -square / (n * (n - 1)));
}

/**
 * x + x·f(3) + x·f(3)·f(5) + …: every power's term by the factor from the one before, to below the precision of
 * f64.
 */
function series(x: number, factor: (square: number, power: number) => number): number {
  let sum = x;
  let term = x;
  for (let power = 3; power < 28; power += 2) {
    term *= factor(x * x, power);
    sum += term;
  }
  return sum;
}
