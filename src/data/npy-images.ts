/** Arrays of NumPy → data sets. */

import { FormatError } from "../base/errors.ts";
import { createDataset, type Normalisation } from "./create-dataset.ts";
import type { Dataset } from "./dataset.ts";
import { type NpyArray, npyNumbers } from "./npy.ts";

/** An array and how messages call it. */
export interface NamedArray {
  readonly name: string;
  readonly array: NpyArray;
}

/** Grey, RGB, RGBA. */
const CHANNELS = [1, 3, 4];

interface Sizes {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly planar: boolean;
}

/** `[n, h, w]`, `[n, h, w, c]`, or `[n, c, h, w]` where the last axis can be no channels. */
function sizesOf({ name, array: { shape } }: NamedArray): Sizes {
  const [count, second, third, fourth] = shape as [number, number, number, number];
  if (shape.includes(0)) throw new FormatError(`${name} has shape [${shape.join(", ")}], expected at least one image`);
  if (shape.length === 3) return { count, height: second, width: third, channels: 1, planar: false };
  if (shape.length === 4 && CHANNELS.includes(fourth))
    return { count, height: second, width: third, channels: fourth, planar: false };
  if (shape.length === 4 && CHANNELS.includes(second))
    return { count, height: third, width: fourth, channels: second, planar: true };
  throw new FormatError(
    `${name} has shape [${shape.join(", ")}], expected [count, height, width] or four axes with 1, 3 or 4 channels last or second`,
  );
}

function pixelsOf(
  { name, array }: NamedArray,
  { count, height, width, channels, planar }: Sizes,
): Uint8Array | Float32Array {
  if (!["|u1", "<f2", "<f4", "<f8"].includes(array.dtype))
    throw new FormatError(`${name} has dtype ${array.dtype}, expected |u1, <f2, <f4 or <f8 for images`);
  const pixels = array.dtype === "|u1" ? array.data : Float32Array.from(npyNumbers(array));
  if (!planar || channels === 1) return pixels;
  const plane = height * width;
  const turned = pixels instanceof Uint8Array ? new Uint8Array(pixels.length) : new Float32Array(pixels.length);
  for (let image = 0; image < count; image++) {
    const at = image * channels * plane;
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < plane; p++) turned[at + p * channels + c] = pixels[at + c * plane + p]!;
  }
  return turned;
}

function labelsOf({ name, array }: NamedArray, count: number, images: string): Uint8Array {
  const { dtype, shape } = array;
  if (!/[ui]/.test(dtype)) throw new FormatError(`${name} has dtype ${dtype}, expected integers for labels`);
  if (shape.length === 0 || shape.length > 2 || (shape[1] ?? 1) !== 1)
    throw new FormatError(`${name} has shape [${shape.join(", ")}], expected [count] for labels`);
  if (shape[0] !== count) throw new FormatError(`${name} holds ${shape[0]} labels, expected ${count} as ${images}`);
  const numbers = npyNumbers(array);
  const wrong = numbers.findIndex((label) => !(label >= 0 && label <= 255));
  if (wrong >= 0) throw new FormatError(`${name} label ${numbers[wrong]} at ${wrong}, expected 0 to 255`);
  return Uint8Array.from(numbers);
}

/**
 * A data set from an array of images (bytes or floats; channels last, or first) and one of integer labels.
 *
 * @throws {FormatError} where they are of another kind or do not go together.
 *
 * @example
 * const data = npyDataset({ name: "x.npy", array: parseNpy(x, "x.npy") }, { name: "y.npy", array: parseNpy(y, "y.npy") });
 */
export function npyDataset(
  images: NamedArray,
  labels: NamedArray,
  options: Normalisation & { readonly name?: string | undefined; readonly classes?: number | undefined } = {},
): Dataset {
  const { planar: _, count, ...sizes } = sizesOf(images);
  const pixels = pixelsOf(images, sizesOf(images));
  return createDataset({
    ...options,
    ...sizes,
    name: options.name ?? images.name,
    pixels,
    labels: labelsOf(labels, count, images.name),
  });
}
