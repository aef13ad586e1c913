/** Small floating-point formats by table: every value written out, rounding by search. Slow and obvious. */

export interface SmallFormat {
  readonly name: string;
  readonly bits: 8 | 16;
  readonly mantissa: number;
  readonly bias: number;
  /** First code, sign aside, that is not a finite number. */
  readonly special: number;
  /** Code of infinity, or -1 where there is none. */
  readonly infinity: number;
  /** Code that overflow becomes. */
  readonly overflow: number;
}

export const F16: SmallFormat = {
  name: "f16",
  bits: 16,
  mantissa: 10,
  bias: 15,
  special: 0x7c00,
  infinity: 0x7c00,
  overflow: 0x7c00,
};
export const BF16: SmallFormat = {
  name: "bf16",
  bits: 16,
  mantissa: 7,
  bias: 127,
  special: 0x7f80,
  infinity: 0x7f80,
  overflow: 0x7f80,
};
export const F8E4M3: SmallFormat = {
  name: "f8e4m3",
  bits: 8,
  mantissa: 3,
  bias: 7,
  special: 0x7f,
  infinity: -1,
  overflow: 0x7f,
};
export const F8E5M2: SmallFormat = {
  name: "f8e5m2",
  bits: 8,
  mantissa: 2,
  bias: 15,
  special: 0x7c,
  infinity: 0x7c,
  overflow: 0x7c,
};

/** Value of a code as if no code were special: the rounding of overflow needs the first one beyond the finite. */
function magnitude(format: SmallFormat, code: number): number {
  const exponent = code >> format.mantissa;
  const fraction = code & ((1 << format.mantissa) - 1);
  if (exponent === 0) return fraction * 2 ** (1 - format.bias - format.mantissa);
  return (1 + fraction * 2 ** -format.mantissa) * 2 ** (exponent - format.bias);
}

/** Value of a code, NaN where it is one. */
export function decode(format: SmallFormat, code: number): number {
  const sign = code >> (format.bits - 1) ? -1 : 1;
  const size = code & ((1 << (format.bits - 1)) - 1);
  if (size === format.infinity) return sign * Number.POSITIVE_INFINITY;
  return size >= format.special ? Number.NaN : sign * magnitude(format, size);
}

/** Every value from 0 to the first one beyond the finite, by code. */
export function magnitudes(format: SmallFormat): Float64Array {
  return Float64Array.from({ length: format.special + 1 }, (_, code) => magnitude(format, code));
}

/** Code of the nearest value, ties to the even code; -1 for NaN, whose code is not looked at. */
export function encode(format: SmallFormat, table: Float64Array, x: number): number {
  if (Number.isNaN(x)) return -1;
  const sign = Object.is(Math.sign(x), -0) || x < 0 ? 1 << (format.bits - 1) : 0;
  const size = Math.abs(x);
  let low = 0;
  let high = format.special;
  if (size >= table[high]!) return sign | format.overflow;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (table[middle]! <= size) low = middle;
    else high = middle;
  }
  const below = size - table[low]!;
  const above = table[high]! - size;
  const code = below < above || (below === above && low % 2 === 0) ? low : high;
  return sign | (code === format.special ? format.overflow : code);
}
