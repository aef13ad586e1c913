/** Data sets held in memory: bytes stay bytes and are scaled as they are read. */

import { checkOptions, type OptionKinds } from "../base/options.ts";
import type { Dataset } from "./dataset.ts";

/** How stored values become what the network sees: `(value / scale − mean) / std`, mean and std by channel. */
export interface Normalisation {
  /** Default 255 for bytes, 1 for floats. */
  readonly scale?: number | undefined;
  /** One number for each channel; default 0. */
  readonly mean?: readonly number[] | undefined;
  /** One number for each channel; default 1. */
  readonly std?: readonly number[] | undefined;
}

export interface ImageData extends Normalisation {
  /** How messages call it. */
  readonly name: string;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** `[count, height, width, channels]`, row-major. Kept, not copied. */
  readonly pixels: Uint8Array | Float32Array;
  /** One for each image. Kept, not copied. */
  readonly labels: Uint8Array;
  /** Default: one more than the highest label. */
  readonly classes?: number | undefined;
}

/** The kinds of its options. */
export const NORMALISATION: OptionKinds<Normalisation> = { scale: "number", mean: "list", std: "list" };

const KINDS: OptionKinds<ImageData> = {
  name: "string",
  height: "number",
  width: "number",
  channels: "number",
  pixels: "object",
  labels: "object",
  classes: "number",
  ...NORMALISATION,
};

/**
 * A data set of images in memory. Bytes are kept as bytes: reading makes the floats.
 *
 * @throws {RangeError} when sizes, counts, labels and classes do not fit together.
 *
 * @example
 * const data = createDataset({ name: "mine", height: 28, width: 28, channels: 1, pixels, labels });
 * const batch = data.read(0, 100); // 100·28·28 floats, bytes divided by 255
 */
export function createDataset(data: ImageData): Dataset {
  checkOptions("createDataset", data, KINDS);
  const { name, height, width, channels, pixels, labels } = data;
  for (const [what, size] of Object.entries({ height, width, channels })) {
    if (!Number.isSafeInteger(size) || size < 1)
      throw new RangeError(`${name} ${what} ${size}, expected a positive integer`);
  }
  const size = height * width * channels;
  const count = labels.length;
  if (pixels.length !== count * size) {
    throw new RangeError(
      `${name} holds ${pixels.length} values, expected ${count}×${height}×${width}×${channels} = ${count * size} for ${count} labels`,
    );
  }
  const classes = checkedClasses(data);
  const convert = normaliser(data);
  return {
    ...{ name, count, height, width, channels, classes, labels },
    read(start, end) {
      checkRange(name, count, start, end);
      return convert(pixels, start * size, end * size);
    },
  };
}

/** Throws `RangeError` unless `start` to `end` is within 0 … count. */
export function checkRange(name: string, count: number, start: number, end: number): void {
  if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end && end <= count))
    throw new RangeError(`${name} images ${start} to ${end}, expected a range within 0 to ${count}`);
}

function checkedClasses({ name, labels, classes }: ImageData): number {
  const highest = labels.reduce((a, b) => Math.max(a, b), 0);
  if (classes === undefined) return highest + 1;
  if (!Number.isSafeInteger(classes) || classes < 1)
    throw new RangeError(`${name} classes ${classes}, expected a positive integer`);
  if (highest >= classes) throw new RangeError(`${name} has label ${highest}, expected less than ${classes} classes`);
  return classes;
}

type Convert = (pixels: Uint8Array | Float32Array, start: number, end: number) => Float32Array<ArrayBuffer>;

/** In f64, rounded once: the same floats in every runtime. Bytes go through a table. */
function normaliser(data: ImageData): Convert {
  const { name, channels, pixels } = data;
  const isBytes = pixels instanceof Uint8Array;
  const { scale = isBytes ? 255 : 1 } = data;
  if (!(Number.isFinite(scale) && scale > 0))
    throw new RangeError(`${name} scale ${scale}, expected a positive number`);
  const mean = perChannel(name, "mean", data.mean, channels, 0);
  const std = perChannel(name, "std", data.std, channels, 1);
  const value = (raw: number, channel: number): number => (raw / scale - mean[channel]!) / std[channel]!;
  // Values of one image start at a multiple of `channels`: position modulo `channels` is the channel.
  if (!isBytes) {
    return (source, start, end) => {
      const floats = new Float32Array(end - start);
      for (let i = 0; i < floats.length; i++) floats[i] = value(source[start + i]!, i % channels);
      return floats;
    };
  }
  const table = Float32Array.from({ length: 256 * channels }, (_, i) => value(Math.floor(i / channels), i % channels));
  return (source, start, end) => {
    const floats = new Float32Array(end - start);
    for (let i = 0, channel = 0; i < floats.length; i++) {
      floats[i] = table[source[start + i]! * channels + channel]!;
      channel = channel + 1 === channels ? 0 : channel + 1;
    }
    return floats;
  };
}

function perChannel(
  name: string,
  what: "mean" | "std",
  given: readonly number[] | undefined,
  channels: number,
  fallback: number,
): readonly number[] {
  if (given === undefined) return Array.from({ length: channels }, () => fallback);
  if (given.length !== channels)
    throw new RangeError(`${name} ${what} has ${given.length} numbers, expected ${channels}, one for each channel`);
  const wrong = given.find((value) => !Number.isFinite(value) || (what === "std" && value <= 0));
  if (wrong !== undefined)
    throw new RangeError(`${name} ${what} ${wrong}, expected ${what === "std" ? "positive" : "finite"} numbers`);
  return [...given];
}
