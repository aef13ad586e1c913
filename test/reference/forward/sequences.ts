/** Parts of transformers in plain loops over f64, written from their definitions: slow and obvious. Nothing here knows of specs. */

import type { Rng } from "../../../src/base/rng.ts";
import { gaussianArray } from "../random.ts";

export type Tensor = { shape: number[]; data: Float32Array };
export type TensorMap = Map<string, Tensor>;

/** One row of numbers for each position. */
export type Sequence = number[][];

/** Gives tensors by name: makes them when it has a generator, reads them when it has not. */
export class Weights {
  readonly tensors: TensorMap;
  readonly #rng: Rng | undefined;

  constructor(tensors: TensorMap, rng?: Rng) {
    this.tensors = tensors;
    this.#rng = rng;
  }

  get(name: string, ...shape: number[]): Float32Array {
    if (this.#rng !== undefined && !this.tensors.has(name)) {
      const count = shape.reduce((product, size) => product * size, 1);
      // About as large as what keeps values of that width about as large.
      const scale = shape.length > 1 ? 1.5 / Math.sqrt(shape.at(-1)!) : 0.5;
      this.tensors.set(name, { shape, data: gaussianArray(count, this.#rng, scale) });
    }
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw new RangeError(`network has no tensor ${name}`);
    if (tensor.shape.join() !== shape.join())
      throw new RangeError(`${name} is [${tensor.shape}], asked for as [${shape}]`);
    return tensor.data;
  }
}

/** y = W x + b, W stored [out, in], or [in, out] with `transposed`. */
export function linear(
  w: Weights,
  x: Sequence,
  name: string,
  out: number,
  options: { bias?: boolean; transposed?: boolean; names?: [string, string] } = {},
): Sequence {
  const { bias = true, transposed = false, names = [`${name}.weight`, `${name}.bias`] } = options;
  const size = x[0]!.length;
  const weight = transposed ? w.get(names[0], size, out) : w.get(names[0], out, size);
  const shift = bias ? w.get(names[1], out) : undefined;
  return x.map((row) =>
    Array.from({ length: out }, (_, o) => {
      let sum = shift?.[o] ?? 0;
      for (let i = 0; i < size; i++) sum += row[i]! * weight[transposed ? i * out + o : o * size + i]!;
      return sum;
    }),
  );
}

export function embed(w: Weights, tokens: readonly number[], name: string, count: number, width: number): Sequence {
  const table = w.get(name, count, width);
  return tokens.map((token) => [...table.subarray(token * width, (token + 1) * width)]);
}

export const plus = (...all: Sequence[]): Sequence =>
  all[0]!.map((row, t) => row.map((_, i) => all.reduce((sum, x) => sum + x[t]![i]!, 0)));
export const times = (a: Sequence, b: Sequence): Sequence =>
  a.map((row, t) => row.map((value, i) => value * b[t]![i]!));
export const each = (x: Sequence, change: (value: number) => number): Sequence => x.map((row) => row.map(change));

export const relu = (x: number): number => Math.max(0, x);
export const silu = (x: number): number => x / (1 + Math.exp(-x));
export const gelu = (x: number): number => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
export const quickGelu = (x: number): number => x / (1 + Math.exp(-1.702 * x));

export function layerNorm(
  w: Weights,
  x: Sequence,
  name: string,
  names: [string, string] = [`${name}.weight`, `${name}.bias`],
): Sequence {
  const size = x[0]!.length;
  const [gain, shift] = [w.get(names[0], size), w.get(names[1], size)];
  return x.map((row) => {
    const mean = row.reduce((sum, value) => sum + value, 0) / size;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
    return row.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * (1 + gain[i]!) + shift[i]!);
  });
}

/** With the gain `offset` + w. */
export function rmsNorm(w: Weights, x: Sequence, name: string, offset = 0): Sequence {
  const gain = w.get(name, x[0]!.length);
  return x.map((row) => {
    const mean = row.reduce((sum, value) => sum + value ** 2, 0) / row.length;
    return row.map((value, i) => (value / Math.sqrt(mean + 1e-6)) * (offset + gain[i]!));
  });
}

export function softmax(row: readonly number[]): number[] {
  const most = Math.max(...row);
  const powers = row.map((value) => Math.exp(value - most));
  const sum = powers.reduce((all, value) => all + value, 0);
  return powers.map((value) => value / sum);
}

/** Turns pairs (i, i + n/2) of the first n units of every head by angles that grow with the position. */
export function rotate(x: Sequence, headDim: number, turned: number = headDim): Sequence {
  return x.map((row, t) =>
    row.map((value, at) => {
      const i = at % headDim;
      if (i >= turned) return value;
      const half = turned / 2;
      const angle = t * 100 ** (-(i % half) / half);
      return i < half
        ? value * Math.cos(angle) - row[at + half]! * Math.sin(angle)
        : value * Math.cos(angle) + row[at - half]! * Math.sin(angle);
    }),
  );
}

export interface AttentionOptions {
  readonly heads: number;
  /** Default: as many as heads. */
  readonly kvHeads?: number;
  readonly causal?: boolean;
  /** Added to the logits of head h, from position t to position s. */
  readonly bias?: (head: number, t: number, s: number) => number;
  readonly scale?: number;
}

/** Softmax of q·k over √d, times v, head by head; head h reads keys and values number ⌊h / (heads / kvHeads)⌋. */
export function attend(q: Sequence, k: Sequence, v: Sequence, options: AttentionOptions): Sequence {
  const { heads, kvHeads = heads, causal = false, bias = () => 0 } = options;
  const dim = q[0]!.length / heads;
  const valueDim = v[0]!.length / kvHeads;
  const scale = options.scale ?? 1 / Math.sqrt(dim);
  return q.map((row, t) => {
    const result: number[] = [];
    for (let h = 0; h < heads; h++) {
      const group = Math.floor(h / (heads / kvHeads));
      const logits = k.flatMap((key, s) => {
        if (causal && s > t) return [];
        let dot = 0;
        for (let i = 0; i < dim; i++) dot += row[h * dim + i]! * key[group * dim + i]!;
        return [dot * scale + bias(h, t, s)];
      });
      const shares = softmax(logits);
      for (let i = 0; i < valueDim; i++)
        result.push(shares.reduce((sum, share, s) => sum + share * v[s]![group * valueDim + i]!, 0));
    }
    return result;
  });
}

/** Columns `from` to `to` of every row. */
export const columns = (x: Sequence, from: number, to: number): Sequence => x.map((row) => row.slice(from, to));

/** Rows times a table's rows: logits of a head that is tied to embeddings. */
export function tiedHead(w: Weights, x: Sequence, name: string, count: number): Sequence {
  const width = x[0]!.length;
  const table = w.get(name, count, width);
  return x.map((row) =>
    Array.from({ length: count }, (_, c) => row.reduce((sum, value, i) => sum + value * table[c * width + i]!, 0)),
  );
}
