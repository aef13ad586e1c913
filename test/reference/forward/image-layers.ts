/** Layers of convolutional networks in plain loops over f64, with tensors by their names. Nothing here knows of specs. */

import { numbers } from "./sequence-network.ts";
import { relu, type Weights } from "./sequences.ts";

/** One square of `side` × `side` pixels, row by row, for each channel. */
export interface Image {
  readonly side: number;
  readonly channels: number[][];
}

export interface ConvOptions {
  /** Side of the kernel; default 1. */
  readonly kernel?: number;
  readonly stride?: number;
  /** Zeros around; default: half the kernel. */
  readonly padding?: number;
  readonly groups?: number;
  readonly bias?: boolean;
}

export function conv(w: Weights, x: Image, name: string, out: number, options: ConvOptions = {}): Image {
  const { kernel = 1, stride = 1, padding = Math.floor(kernel / 2), groups = 1, bias = false } = options;
  const inputs = x.channels.length / groups;
  const weight = w.get(`${name}.weight`, out, inputs, kernel, kernel);
  const shift = bias ? w.get(`${name}.bias`, out) : undefined;
  const side = Math.floor((x.side + 2 * padding - kernel) / stride) + 1;
  const at = (channel: number, row: number, column: number): number =>
    row < 0 || column < 0 || row >= x.side || column >= x.side ? 0 : x.channels[channel]![row * x.side + column]!;
  const pixel = (o: number, row: number, column: number): number => {
    const first = Math.floor(o / (out / groups)) * inputs;
    let sum = shift?.[o] ?? 0;
    for (let i = 0; i < inputs; i++)
      for (let a = 0; a < kernel; a++)
        for (let b = 0; b < kernel; b++)
          sum +=
            weight[((o * inputs + i) * kernel + a) * kernel + b]! *
            at(first + i, row * stride - padding + a, column * stride - padding + b);
    return sum;
  };
  const channels = numbers(out).map((o) =>
    numbers(side * side).map((place) => pixel(o, Math.floor(place / side), place % side)),
  );
  return { side, channels };
}

/** With the statistics of training; the variance is drawn at random here, so that its size counts. */
export function batchNorm(w: Weights, x: Image, name: string): Image {
  const size = x.channels.length;
  const [gain, shift, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map((each) =>
    w.get(`${name}.${each}`, size),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  w.get(`${name}.num_batches_tracked`);
  return mapChannels(x, (value, c) => {
    const deviation = Math.sqrt(Math.abs(variance[c]!) + 0.5);
    return ((value - mean[c]!) / deviation) * (1 + gain[c]!) + shift[c]!;
  });
}

export const mapChannels = (x: Image, change: (value: number, channel: number) => number): Image => ({
  side: x.side,
  channels: x.channels.map((pixels, c) => pixels.map((value) => change(value, c))),
});

export const addImages = (a: Image, b: Image): Image => ({
  side: a.side,
  channels: a.channels.map((pixels, c) => pixels.map((value, i) => value + b.channels[c]![i]!)),
});

export const concatenate = (all: readonly Image[]): Image => ({
  side: all[0]!.side,
  channels: all.flatMap(({ channels }) => channels),
});

/** Means of 2 × 2 pixels. */
export const halve = (x: Image): Image => {
  const side = Math.floor(x.side / 2);
  const mean = (pixels: number[], row: number, column: number): number =>
    [0, 1, x.side, x.side + 1].reduce((sum, more) => sum + pixels[2 * row * x.side + 2 * column + more]! / 4, 0);
  return {
    side,
    channels: x.channels.map((pixels) =>
      numbers(side * side).map((place) => mean(pixels, Math.floor(place / side), place % side)),
    ),
  };
};

/** The mean of every channel. */
export const pool = (x: Image): number[] =>
  x.channels.map((pixels) => pixels.reduce((sum, value) => sum + value, 0) / pixels.length);

/** Convolution, norm, activation. */
export const convNorm = (
  w: Weights,
  x: Image,
  names: readonly [conv: string, norm: string],
  out: number,
  options: ConvOptions & { readonly activation?: (value: number) => number } = {},
): Image => mapChannels(batchNorm(w, conv(w, x, names[0], out, options), names[1]), options.activation ?? relu);

export const identity = (value: number): number => value;

/** Three colours made of the token numbers. */
export const picture = (tokens: readonly number[], side: number): Image => ({
  side,
  channels: numbers(3).map((c) =>
    numbers(side * side).map((place) => Math.sin(tokens[place % tokens.length]! * 1.7 + place * 2.3 + c * place)),
  ),
});
