/**
 * exp, log and cos of doubles from + − × ÷ alone, since those of `Math` differ between engines in the last bit. Not
 * correctly rounded; the error is below two units in the last place. The sine and arc tangent of a merge are in
 * `merge/methods/slerp-weight.ts`, since bundlers include whole files.
 */

/** ln 2 in two parts: products of the first with integers up to 2¹¹ are exact. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

/** 2ⁿ for any integer n from −1022 to 1023, exactly. */
function powerOfTwo(n: number): number {
  let result = 1;
  let base = n < 0 ? 0.5 : 2;
  for (let rest = Math.abs(n); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= base;
    base *= base;
  }
  return result;
}

/** eˣ for x ≤ 709; 0 below −708. */
export function exp(x: number): number {
  if (x < -708) return 0;
  if (!(x <= 709)) return x > 709 ? Number.POSITIVE_INFINITY : Number.NaN;
  const n = Math.floor(x * Math.LOG2E + 0.5);
  const r = x - n * LN2_HIGH - n * LN2_LOW; // |r| ≤ 0.35
  let sum = 1; // Taylor by Horner: r¹⁵/15! is below 2⁻⁶³
  for (let k = 15; k >= 1; k--) sum = 1 + (sum * r) / k;
  return sum * powerOfTwo(n);
}

/** ln x for finite x > 0; −∞ at 0, NaN below. */
export function log(x: number): number {
  if (x === 0) return Number.NEGATIVE_INFINITY;
  if (!(x > 0) || x === Number.POSITIVE_INFINITY) return x > 0 ? x : Number.NaN;
  let exponent = 0;
  let mantissa = x;
  while (mantissa >= Math.SQRT2) {
    mantissa /= 2;
    exponent++;
  }
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent--;
  }
  const s = (mantissa - 1) / (mantissa + 1); // ln m = 2·artanh s, |s| ≤ 0.172
  const square = s * s;
  let sum = 0; // s²³/23 is below 2⁻⁶²
  for (let k = 23; k >= 3; k -= 2) sum = (sum + 1 / k) * square;
  return exponent * LN2_HIGH + (2 * s + 2 * s * sum + exponent * LN2_LOW);
}

/** 1/28! is below 2⁻⁹⁷: at π/2 the series is exact to the last bit of a double, give or take its own rounding. */
const TERMS = 14;

/**
 * cos πx for x from 0 to 1, by its series in + − × ÷ alone: `Math.cos` differs between engines in the last bit.
 *
 * @example
 * cosPi(1 / 3); // 0.5000000000000001
 */
export function cosPi(x: number): number {
  if (x > 0.5) return -cosPi(1 - x);
  const square = Math.PI * x * (Math.PI * x);
  let sum = 1;
  for (let k = TERMS; k >= 1; k--) sum = 1 - (sum * square) / (2 * k * (2 * k - 1));
  return sum;
}
