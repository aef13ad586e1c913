/** Layers in plain loops over f64, channel-major, written from their definitions: slow and obvious. */

/** Numbers of `channels` × positions; `sides` are empty for a vector. */
export interface Value {
  readonly channels: number;
  readonly sides: readonly number[];
  readonly data: Float64Array;
}

const area = (sides: readonly number[]): number => sides.reduce((product, side) => product * side, 1);

export const vector = (data: Float64Array): Value => ({ channels: data.length, sides: [], data });

export function map(value: Value, change: (x: number, channel: number, position: number) => number): Value {
  const size = area(value.sides);
  return { ...value, data: value.data.map((x, i) => change(x, Math.floor(i / size), i % size)) };
}

export const relu = (value: Value): Value => map(value, (x) => Math.max(0, x));

export function add(a: Value, b: Value): Value {
  if (a.data.length !== b.data.length) throw new RangeError("values of two sizes are added");
  return { ...a, data: a.data.map((x, i) => x + b.data[i]!) };
}

export function multiply(a: Value, b: Value): Value {
  const size = area(a.sides) / area(b.sides);
  return { ...a, data: a.data.map((x, i) => x * b.data[Math.floor(i / size)]!) };
}

export function concat(...values: readonly Value[]): Value {
  const data = Float64Array.from(values.flatMap((value) => [...value.data]));
  return { channels: values.reduce((sum, { channels }) => sum + channels, 0), sides: values[0]!.sides, data };
}

/** Channel by channel as PyTorch, or position by position as TensorFlow. */
export function flatten(value: Value, order: "channel-major" | "channel-minor" = "channel-major"): Value {
  if (order === "channel-major") return vector(value.data);
  const size = area(value.sides);
  const data = new Float64Array(value.data.length);
  value.data.forEach((x, i) => {
    data[(i % size) * value.channels + Math.floor(i / size)] = x;
  });
  return vector(data);
}

function reduce(value: Value, start: number, step: (sum: number, x: number) => number): Value {
  const size = area(value.sides);
  const data = Float64Array.from({ length: value.channels }, (_, c) => {
    let sum = start;
    for (let p = 0; p < size; p++) sum = step(sum, value.data[c * size + p]!);
    return sum;
  });
  return vector(data);
}

export const meanPool = (value: Value): Value =>
  map(
    reduce(value, 0, (sum, x) => sum + x),
    (x) => x / area(value.sides),
  );
export const maxPool = (value: Value): Value => reduce(value, -Infinity, Math.max);

/** Every second position. */
export function halve(value: Value): Value {
  const sides = value.sides.map((side) => Math.max(1, Math.floor(side / 2)));
  return atPositions(value, sides, (position) => position.map((x) => 2 * x));
}

/** Each position twice along every side. */
export function double(value: Value): Value {
  return atPositions(
    value,
    value.sides.map((side) => 2 * side),
    (position) => position.map((x) => Math.floor(x / 2)),
  );
}

function atPositions(value: Value, sides: readonly number[], from: (position: number[]) => number[]): Value {
  const [size, before] = [area(sides), area(value.sides)];
  const data = new Float64Array(value.channels * size);
  for (let c = 0; c < value.channels; c++)
    for (let p = 0; p < size; p++)
      data[c * size + p] = value.data[c * before + flat(from(unflat(p, sides)), value.sides)]!;
  return { channels: value.channels, sides, data };
}

function unflat(at: number, sides: readonly number[]): number[] {
  const position: number[] = [];
  for (const side of sides.toReversed()) {
    position.unshift(at % side);
    at = Math.floor(at / side);
  }
  return position;
}

const flat = (position: readonly number[], sides: readonly number[]): number =>
  position.reduce((sum, x, i) => sum * sides[i]! + x, 0);

/** A matrix [out, in] on a vector, or on each position. */
export function dense(
  weight: (out: number, input: number) => number,
  outs: number,
  bias: ArrayLike<number> | undefined,
  value: Value,
): Value {
  const size = area(value.sides);
  const data = new Float64Array(outs * size);
  for (let o = 0; o < outs; o++)
    for (let p = 0; p < size; p++) {
      let sum = bias?.[o] ?? 0;
      for (let i = 0; i < value.channels; i++) sum += weight(o, i) * value.data[i * size + p]!;
      data[o * size + p] = sum;
    }
  return { channels: outs, sides: value.sides, data };
}

/** A kernel as a function of channel out, channel inside the group, and offset. */
export type Kernel = (out: number, input: number, offset: readonly number[]) => number;

/** A convolution that keeps the sides: zeros outside. */
export function conv(
  kernel: Kernel,
  outs: number,
  sides: readonly number[],
  groups: number,
  bias: ArrayLike<number> | undefined,
  value: Value,
): Value {
  const [size, taps] = [area(value.sides), area(sides)];
  const [perIn, perOut] = [value.channels / groups, outs / groups];
  const data = new Float64Array(outs * size);
  for (let o = 0; o < outs; o++)
    for (let p = 0; p < size; p++) {
      let sum = bias?.[o] ?? 0;
      const at = unflat(p, value.sides);
      for (let t = 0; t < taps; t++) {
        const offset = unflat(t, sides);
        const from = at.map((x, d) => x + offset[d]! - Math.floor(sides[d]! / 2));
        if (from.some((x, d) => x < 0 || x >= value.sides[d]!)) continue;
        for (let i = 0; i < perIn; i++)
          sum +=
            kernel(o, i, offset) * value.data[(Math.floor(o / perOut) * perIn + i) * size + flat(from, value.sides)]!;
      }
      data[o * size + p] = sum;
    }
  return { channels: outs, sides: value.sides, data };
}

/** A transposed convolution of stride 2: each input position adds its kernel; kernel(in, out, offset). */
export function convTransposed(
  kernel: Kernel,
  outs: number,
  sides: readonly number[],
  bias: ArrayLike<number> | undefined,
  value: Value,
): Value {
  const size = area(value.sides);
  const larger = value.sides.map((side, d) => 2 * (side - 1) + sides[d]!);
  const total = area(larger);
  const data = Float64Array.from({ length: outs * total }, (_, i) => bias?.[Math.floor(i / total)] ?? 0);
  for (let i = 0; i < value.channels; i++)
    for (let p = 0; p < size; p++)
      for (let t = 0; t < area(sides); t++) {
        const offset = unflat(t, sides);
        const to = flat(
          unflat(p, value.sides).map((x, d) => 2 * x + offset[d]!),
          larger,
        );
        for (let o = 0; o < outs; o++) data[o * total + to]! += kernel(i, o, offset) * value.data[i * size + p]!;
      }
  return { channels: outs, sides: larger, data };
}

/** Normalises groups of channels over channels and positions. */
export function groupNorm(value: Value, groups: number): Value {
  const size = (value.channels / groups) * area(value.sides);
  const data = new Float64Array(value.data.length);
  for (let g = 0; g < groups; g++) data.set(normalised(value.data.subarray(g * size, (g + 1) * size)), g * size);
  return { ...value, data };
}

/** Normalises the channels of each position. */
export function layerNorm(value: Value): Value {
  const size = area(value.sides);
  const data = new Float64Array(value.data.length);
  for (let p = 0; p < size; p++)
    normalised(Float64Array.from({ length: value.channels }, (_, c) => value.data[c * size + p]!)).forEach((x, c) => {
      data[c * size + p] = x;
    });
  return { ...value, data };
}

function normalised(values: Float64Array): Float64Array {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
  return values.map((x) => (x - mean) / Math.sqrt(variance + 1e-3));
}
